import type { Clock } from '../clock.ts'

/** Node's timers count in 31 bits: what is longer would be over at once. */
const longestMs = 2 ** 31 - 1

/** The clock of informers and queues that were given none, and the daemons' clock too. */
export const timerClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      let timer: NodeJS.Timeout
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason as Error)
      }
      const wait = (leftMs: number): void => {
        const over = () => {
          if (leftMs > longestMs) return wait(leftMs - longestMs)
          signal?.removeEventListener('abort', stop)
          resolve()
        }
        timer = setTimeout(over, Math.min(leftMs, longestMs))
      }
      wait(ms)
      signal?.addEventListener('abort', stop, { once: true })
    }),
}
