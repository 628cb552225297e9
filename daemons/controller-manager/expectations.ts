import type { Clock } from '../../kube/clock.ts'

interface Expected {
  creations: number
  deletions: Set<string>
  since: number
}

/** Upstream's: a watch that is this late is not waited for. */
const expireMs = 5 * 60_000

/**
 * What a controller has asked for and not yet seen in its informer. As long as something is outstanding it must not
 * count pods again: a stale cache would make it create twice.
 */
export class Expectations {
  readonly #clock: Clock
  readonly #expected = new Map<string, Expected>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  expect(key: string, creations: number, deletions: readonly string[] = []): void {
    this.#expected.set(key, { creations, deletions: new Set(deletions), since: this.#clock.now() })
  }

  creationSeen(key: string): void {
    const expected = this.#expected.get(key)
    if (expected !== undefined) expected.creations--
  }

  /** `object` as it was named in `expect`; seen twice counts once. */
  deletionSeen(key: string, object: string): void {
    this.#expected.get(key)?.deletions.delete(object)
  }

  satisfied(key: string): boolean {
    const expected = this.#expected.get(key)
    if (expected === undefined) return true
    return (expected.creations <= 0 && expected.deletions.size === 0) || this.#clock.now() - expected.since > expireMs
  }

  forget(key: string): void {
    this.#expected.delete(key)
  }
}
