import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { SkiffError } from '../../kube/errors.ts'
import { runDir, runLayout } from '../layout.ts'
import { isAlive, startTicksOf, type ProcessId } from '../processes.ts'

/** Takes the lock that keeps two `up` or `down` from running at once; a lock whose holder died is taken over. */
export const takeLock = (what: string): (() => void) => {
  mkdirSync(runDir, { recursive: true, mode: 0o755 })
  for (let attempt = 0; ; attempt++) {
    try {
      const fd = openSync(runLayout.lock, 'wx', 0o600)
      const self: ProcessId = { pid: process.pid, startTicks: startTicksOf(process.pid) ?? 0 }
      writeSync(fd, JSON.stringify(self))
      closeSync(fd)
      return () => rmSync(runLayout.lock, { force: true })
    } catch (cause) {
      const holder = lockHolder()
      if (attempt > 3 || (holder !== undefined && isAlive(holder)))
        throw new SkiffError(
          'ALREADY_RUNNING',
          `another skiff up or down is running (pid ${holder?.pid ?? '?'}): ${what} waits for none`,
          {
            cause,
            remedy: 'wait until it has finished, then run this again',
          },
        )
      rmSync(runLayout.lock, { force: true })
    }
  }
}

/** Who holds the lock; undefined: nobody does. */
export const lockHolder = (): ProcessId | undefined => {
  try {
    return JSON.parse(readFileSync(runLayout.lock, 'utf8')) as ProcessId
  } catch {
    return undefined
  }
}
