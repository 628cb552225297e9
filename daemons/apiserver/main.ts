import { runDaemon } from '../../host/daemon.ts'
import { options } from './options.ts'
import { start } from './start.ts'

process.exitCode = await runDaemon(
  {
    name: 'kube-apiserver',
    usage: 'skiff kube-apiserver [flags]\n\nServes the Kubernetes API from the embedded store.',
    table: options,
    start,
  },
  process.argv.slice(2),
)
