import type { ContainerStreams } from '../../../host/container-engine.ts'
import { SkiffError } from '../../../kube/errors.ts'
import type { ExecInContainer } from '../probes/run-handler.ts'

/** Enough of a program's output for an event. */
const maxOutputBytes = 10 * 1024

/** Runs a program in a container and gathers what it writes; throws TIMEOUT when it takes too long. */
export const execInContainer =
  (streams: ContainerStreams, signal: AbortSignal): ExecInContainer =>
  async (containerId, command, timeoutMs) => {
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const session = await streams.exec(containerId, {
        command,
        stdin: false,
        tty: false,
        signal: AbortSignal.any([signal, timeout]),
      })
      const chunks: Buffer[] = []
      let length = 0
      const gather = (chunk: Buffer) => {
        // Read on to the end, whatever is kept: a full pipe would stop the program.
        if (length < maxOutputBytes) chunks.push(chunk)
        length += chunk.length
      }
      session.stdout.on('data', gather)
      session.stderr.on('data', gather)
      const exitCode = await session.exited
      return { exitCode, output: Buffer.concat(chunks).toString('utf8', 0, maxOutputBytes) }
    } catch (error) {
      if (timeout.aborted)
        throw new SkiffError('TIMEOUT', `command ${command[0] ?? ''} timed out after ${timeoutMs / 1000}s`, {
          cause: error,
        })
      throw error
    }
  }
