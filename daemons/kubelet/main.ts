import { runDaemon } from '../../host/daemon.ts'
import { options } from './options.ts'
import { start } from './start.ts'

process.exitCode = await runDaemon(
  {
    name: 'kubelet',
    usage: 'kubelet: runs the pods of one node with Docker and tells the API how they are',
    table: options,
    configFlag: 'config',
    start: (resolved, context) => start(resolved, context),
  },
  process.argv.slice(2),
)
