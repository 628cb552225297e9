import type { Logger } from 'pino'
import { systemClock } from '../../host/clock.ts'
import { lockHolder } from '../up/lock.ts'
import { isAlive } from '../processes.ts'
import { startSupervisor } from './start-supervisor.ts'
import { readSupervisorState } from './supervise.ts'

/**
 * Who watches the watcher: the supervisor holds the other end of its children's standard input, so its death is an
 * end of file here. A new one is started unless an `up` or `down` is at work, which ended it on purpose.
 * `delayMs` differs from process to process, so that two do not start one each.
 */
export const reviveSupervisor = (options: {
  dataDir: string
  signal: AbortSignal
  log: Logger
  delayMs: number
}): void => {
  const { dataDir, signal, log, delayMs } = options
  const revive = async (): Promise<void> => {
    await systemClock.sleep(delayMs, signal)
    const holder = lockHolder()
    const supervisor = readSupervisorState()?.supervisor
    if ((holder !== undefined && isAlive(holder)) || supervisor === undefined || isAlive(supervisor)) return
    log.warn('the supervisor was killed; starting a new one')
    startSupervisor(dataDir)
  }
  process.stdin.on('end', () => {
    if (!signal.aborted)
      revive().catch((err: unknown) => log.debug({ err }, 'stopped before the supervisor was revived'))
  })
  process.stdin.resume()
  // Only the death of the supervisor is of interest: the pipe must not keep a process alive that has stopped.
  if ('unref' in process.stdin && typeof process.stdin.unref === 'function') process.stdin.unref()
}
