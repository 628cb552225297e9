import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { Clock } from '../../../kube/clock.ts'

/** How long a write of ours is waited for; a watch that is later than this has lost it. */
export const sliceWaitMs = 30_000

interface Awaited {
  /** The version our write gave; undefined: we deleted it. */
  resourceVersion: string | undefined
  since: number
}

/**
 * Slices that were written and not yet seen in the informer. A Service with such slices is not planned again before
 * they are: a stale cache would make the same slices twice.
 */
export class SliceTracker {
  readonly #clock: Clock
  readonly #awaited = new Map<string, Map<string, Awaited>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  written(service: string, slice: EndpointSlice): void {
    this.#await(service, slice.metadata?.uid ?? '', slice.metadata?.resourceVersion)
  }

  deleted(service: string, uid: string): void {
    this.#await(service, uid, undefined)
  }

  /** Tells it what the informer saw. */
  seen(service: string, slice: EndpointSlice, isGone: boolean): void {
    const awaited = this.#awaited.get(service)
    const uid = slice.metadata?.uid ?? ''
    const { resourceVersion } = awaited?.get(uid) ?? {}
    if (!isGone && (resourceVersion === undefined || isOlder(slice.metadata?.resourceVersion, resourceVersion))) return
    awaited?.delete(uid)
    if (awaited?.size === 0) this.#awaited.delete(service)
  }

  isStale(service: string): boolean {
    const now = this.#clock.now()
    return [...(this.#awaited.get(service)?.values() ?? [])].some(awaited => now - awaited.since < sliceWaitMs)
  }

  forget(service: string): void {
    this.#awaited.delete(service)
  }

  #await(service: string, uid: string, resourceVersion: string | undefined): void {
    const awaited = this.#awaited.get(service) ?? new Map<string, Awaited>()
    awaited.set(uid, { resourceVersion, since: this.#clock.now() })
    this.#awaited.set(service, awaited)
  }
}

/** Resource versions are decimal numbers in every server there is, and comparable since v1.35 by promise. */
const isOlder = (seen: string | undefined, awaited: string): boolean => {
  if (seen === undefined || !/^\d+$/.test(seen) || !/^\d+$/.test(awaited)) return false
  return BigInt(seen) < BigInt(awaited)
}
