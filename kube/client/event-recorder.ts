import type { Event } from 'kubernetes-types/core/v1.js'
import type { Clock } from '../clock.ts'
import { SkiffError } from '../errors.ts'
import type { KubeObject } from '../object.ts'
import { events } from '../resources.ts'
import { hasReason } from '../status.ts'
import type { KubeClient } from './client.ts'
import { timerClock } from './timer-clock.ts'

/** Upstream's limits: 25 events at once for one object, then one in five minutes. */
const burst = 25
const refillMs = 300_000
const remembered = 2048

interface Sent {
  name: string
  count: number
  /** The last write of this event; the next one waits for it. */
  written: Promise<void>
}

interface Bucket {
  tokens: number
  at: number
}

const rememberIn = <V>(map: Map<string, V>, key: string, value: V): void => {
  map.delete(key)
  map.set(key, value)
  if (map.size <= remembered) return
  const oldest = map.keys().next().value
  if (oldest !== undefined) map.delete(oldest)
}

/** Events as core/v1 carries times: whole seconds. */
const timestamp = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`

/**
 * Writes Events and forgets them: nothing waits, failures go to `onError`. A repeated event raises the count of the
 * one that is there; an object that floods is cut off as upstream does it.
 */
export class EventRecorder {
  readonly #client: KubeClient
  readonly #source: { component: string; host?: string }
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void
  readonly #sent = new Map<string, Sent>()
  readonly #buckets = new Map<string, Bucket>()

  constructor(
    client: KubeClient,
    source: { component: string; host?: string },
    options: { clock?: Clock; onError?: (error: unknown) => void } = {},
  ) {
    this.#client = client
    this.#source = source
    this.#clock = options.clock ?? timerClock
    this.#onError = options.onError ?? (() => {})
  }

  /** `fieldPath` names a part of the object: `spec.containers{web}`. */
  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void {
    const { kind, apiVersion, metadata } = object
    if (kind === undefined || apiVersion === undefined || metadata?.name === undefined)
      return this.#onError(new SkiffError('INTERNAL', `event ${reason}: the object has no kind, apiVersion or name`))
    const now = this.#clock.now()
    if (!this.#allowed(`${kind}/${metadata.uid ?? metadata.name}`, now)) return
    const key = JSON.stringify([kind, metadata.uid ?? metadata.name, type, reason, message, fieldPath])
    const last = this.#sent.get(key)
    const namespace = metadata.namespace ?? 'default'
    const at = timestamp(now)
    const fresh = (): Event => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName(metadata.name ?? '', now), namespace },
      involvedObject: {
        kind,
        apiVersion,
        name: metadata.name ?? '',
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
        ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type,
      reason,
      message,
      source: { ...this.#source },
      reportingComponent: this.#source.component,
      reportingInstance: this.#source.host ?? '',
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    })
    const sent: Sent = { name: last?.name ?? '', count: (last?.count ?? 0) + 1, written: Promise.resolve() }
    sent.written = (last?.written ?? Promise.resolve())
      .then(() => this.#write(sent, last?.name, namespace, at, fresh))
      .catch((error: unknown) => this.#onError(error))
    rememberIn(this.#sent, key, sent)
  }

  async #write(
    sent: Sent,
    previous: string | undefined,
    namespace: string,
    at: string,
    fresh: () => Event,
  ): Promise<void> {
    if (previous !== undefined && previous !== '') {
      try {
        const patch = { count: sent.count, lastTimestamp: at }
        await this.#client.patch(events, previous, patch, { type: 'merge', namespace })
        sent.name = previous
        return
      } catch (error) {
        // Expired from the store (events live for an hour): it begins again.
        if (!hasReason(error, 'NotFound')) throw error
        sent.count = 1
      }
    }
    const event = fresh()
    sent.name = event.metadata.name ?? ''
    await this.#client.create(events, event)
  }

  #allowed(key: string, now: number): boolean {
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now }
    const tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / refillMs)
    rememberIn(this.#buckets, key, { tokens: tokens < 1 ? tokens : tokens - 1, at: now })
    return tokens >= 1
  }
}

let sequence = 0

/** `web-1.18c1f2a3b4c5d6e7`: upstream puts the time in nanoseconds there; the sequence keeps events of one millisecond apart. */
const eventName = (name: string, nowMs: number): string =>
  `${name.slice(0, 230)}.${(BigInt(nowMs) * 1_000_000n + BigInt(sequence++ % 1_000_000)).toString(16)}`
