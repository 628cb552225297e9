import { setTimeout as sleep } from 'node:timers/promises'

/** What `check` gives once it throws no more: for what the server does by itself, in its own time. Throws its last error. */
export const eventually = async <T>(check: () => Promise<T>): Promise<T> => {
  const deadline = Date.now() + 15_000
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await sleep(10)
  }
}
