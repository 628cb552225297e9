import type { PodStatus } from 'kubernetes-types/core/v1.js'
import type { KubeClient } from '../../../kube/client/client.ts'
import type { Clock } from '../../../kube/clock.ts'
import { pods } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { statusPatch } from './status-patch.ts'

interface Entry {
  pod: LocalPod
  wanted: PodStatus
  /** What the API has, as far as we know. */
  known: PodStatus | undefined
  knownVersion: string
  writing: Promise<void> | undefined
}

const retryMs = 1000
const maxRetryMs = 10_000

/** Longer decimal strings are larger numbers: resourceVersions of one resource compare so. */
const newer = (a: string, b: string): boolean => a.length > b.length || (a.length === b.length && a > b)

/**
 * Brings the statuses of pods to the API: at once, only what changed, one write a pod at a time, the newest of several
 * in the meantime. While the API is away it keeps trying.
 */
export class StatusWriter {
  readonly #client: KubeClient
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #onError: (pod: LocalPod, error: unknown) => void
  readonly #entries = new Map<string, Entry>()
  constructor(
    client: KubeClient,
    options: { clock: Clock; signal: AbortSignal; onError(pod: LocalPod, error: unknown): void },
  ) {
    this.#client = client
    this.#clock = options.clock
    this.#signal = options.signal
    this.#onError = options.onError
  }

  set(pod: LocalPod, status: PodStatus): void {
    const version = pod.object.metadata?.resourceVersion ?? ''
    const entry = this.#entries.get(pod.uid)
    if (entry === undefined) {
      const fresh: Entry = { pod, wanted: status, known: pod.object.status, knownVersion: version, writing: undefined }
      this.#entries.set(pod.uid, fresh)
      this.#kick(fresh)
      return
    }
    entry.pod = pod
    entry.wanted = status
    if (newer(version, entry.knownVersion)) {
      entry.known = pod.object.status
      entry.knownVersion = version
    }
    this.#kick(entry)
  }

  /** Resolves when the newest status is written, or the pod is gone. */
  async flush(uid: string): Promise<void> {
    for (;;) {
      const writing = this.#entries.get(uid)?.writing
      if (writing === undefined) return
      await writing
    }
  }

  forget(uid: string): void {
    this.#entries.delete(uid)
  }

  #kick(entry: Entry): void {
    if (entry.writing !== undefined || statusPatch(entry.known, entry.wanted) === undefined) return
    entry.writing = this.#write(entry)
      .catch((error: unknown) => {
        if (!this.#signal.aborted) this.#onError(entry.pod, error)
      })
      .finally(() => {
        entry.writing = undefined
      })
  }

  async #write(entry: Entry): Promise<void> {
    let delay = retryMs
    while (!this.#signal.aborted && this.#entries.get(entry.pod.uid) === entry) {
      const status = statusPatch(entry.known, entry.wanted)
      if (status === undefined) return
      const { pod, wanted } = entry
      try {
        // The uid keeps the status of a pod off another one of the same name.
        const patch = { metadata: { uid: pod.uid }, status }
        const written = await this.#client.patch(pods, pod.name, patch, {
          type: 'merge',
          namespace: pod.namespace,
          subresource: 'status',
          signal: this.#signal,
        })
        entry.known = wanted
        const version = written.metadata?.resourceVersion ?? ''
        if (newer(version, entry.knownVersion)) entry.knownVersion = version
        delay = retryMs
      } catch (error) {
        // The pod is gone, or another one has its name: nobody asks for this status any more.
        if (hasReason(error, 'NotFound', 'Conflict', 'Invalid')) {
          if (!hasReason(error, 'NotFound')) this.#onError(pod, error)
          entry.known = wanted
          return
        }
        this.#onError(pod, error)
        await this.#clock.sleep(delay, this.#signal)
        delay = Math.min(maxRetryMs, delay * 2)
      }
    }
  }
}
