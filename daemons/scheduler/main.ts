import { runDaemon } from '../../host/daemon.ts'
import { options } from './options.ts'
import { start } from './start.ts'

process.exitCode = await runDaemon(
  {
    name: 'kube-scheduler',
    usage: 'kube-scheduler --kubeconfig FILE [--config FILE] [flags]',
    table: options,
    configFlag: 'config',
    start,
  },
  process.argv.slice(2),
)
