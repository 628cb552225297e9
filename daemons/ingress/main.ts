import { runDaemon } from '../../host/daemon.ts'
import { options } from './options.ts'
import { start } from './start.ts'

process.exitCode = await runDaemon(
  {
    name: 'ingress',
    usage: 'ingress [--kubeconfig FILE] [flags]\n\nServes Ingresses through an nginx of its own.',
    table: options,
    start,
  },
  process.argv.slice(2),
)
