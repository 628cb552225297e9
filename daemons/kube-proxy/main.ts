import { runDaemon } from '../../host/daemon.ts'
import { options } from './options.ts'
import { start } from './start.ts'

process.exitCode = await runDaemon(
  {
    name: 'kube-proxy',
    usage:
      'kube-proxy [--config FILE] [--kubeconfig FILE] [flags]\n\nKeeps the packet rules of a node like the Services.',
    table: options,
    configFlag: 'config',
    start,
  },
  process.argv.slice(2),
)
