import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { resolve } from 'node:path'
import { SkiffError } from '../../../kube/errors.ts'

/**
 * Two servers on one file would each trust their own memory. An abstract socket is a lock that the kernel lets go
 * when the process dies, however it dies.
 */
export const takeStoreLock = async (directory: string): Promise<Server> => {
  const name = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 32)
  const server = createServer()
  await new Promise<void>((done, fail) => {
    server.once('error', cause =>
      fail(
        new SkiffError('ALREADY_RUNNING', `another API server has ${directory} open`, {
          cause,
          remedy: 'stop it first, or name another --data-dir',
        }),
      ),
    )
    server.listen(`\0skiff-store-${name}`, done)
  })
  server.unref()
  return server
}
