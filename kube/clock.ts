/** Time as a port: loops wait through it, so that tests never sleep. host/clock.ts has the real one, clock-fake.ts the fake. */
export interface Clock {
  /** Milliseconds since the epoch (wall clock). */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
