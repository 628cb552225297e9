import { runDaemon } from '../../host/daemon.ts'
import { options } from './options.ts'
import { start } from './start.ts'

process.exitCode = await runDaemon(
  {
    name: 'kube-controller-manager',
    usage: 'kube-controller-manager --kubeconfig FILE [flags]: runs the controllers of a cluster',
    table: options,
    start,
  },
  process.argv.slice(2),
)
