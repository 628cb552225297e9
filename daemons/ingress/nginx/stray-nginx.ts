import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Clock } from '../../../kube/clock.ts'

/**
 * Processes of an nginx that outlived its daemon: workers whose master was killed keep the ports. Known by their
 * working directory, which is the prefix of our instance and nobody else's.
 */
export const strayNginx = (prefix: string): number[] =>
  readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return []
    try {
      const ours =
        readFileSync(`/proc/${name}/comm`, 'utf8').trim() === 'nginx' && readlinkSync(`/proc/${name}/cwd`) === prefix
      return ours ? [Number(name)] : []
    } catch {
      // It ended while we looked, or is none of ours to look at.
      return []
    }
  })

const signalAll = (pids: readonly number[], signal: NodeJS.Signals) => {
  for (const pid of pids)
    try {
      process.kill(pid, signal)
    } catch {
      // Gone already.
    }
}

/** Ends them: by SIGTERM, after two seconds by SIGKILL. Resolves when none is left. */
export const endStrayNginx = async (prefix: string, clock: Clock): Promise<void> => {
  for (let i = 0; ; i++) {
    const left = strayNginx(prefix)
    if (left.length === 0) return
    signalAll(left, i < 40 ? 'SIGTERM' : 'SIGKILL')
    await clock.sleep(50)
  }
}
