import { runDaemon } from '../../host/daemon.ts'
import { options } from './options.ts'
import { start } from './start.ts'

process.exitCode = await runDaemon(
  {
    name: 'dns',
    usage: 'Usage: dns [--conf Corefile] [--kubeconfig FILE] [--service-address 10.96.0.10]',
    table: options,
    start,
  },
  process.argv.slice(2),
)
