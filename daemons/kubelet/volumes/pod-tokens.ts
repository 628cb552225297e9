import type { TokenRequest } from 'kubernetes-types/authentication/v1.js'
import type { ServiceAccountTokenProjection } from 'kubernetes-types/core/v1.js'
import type { KubeClient } from '../../../kube/client/client.ts'
import type { Clock } from '../../../kube/clock.ts'
import { SkiffError } from '../../../kube/errors.ts'
import type { Resource } from '../../../kube/resource.ts'
import type { LocalPod } from '../sync/local-pod.ts'

/** Gives the token that a projected volume asks for. */
export interface TokenSource {
  /** Throws what the API answered when there is none to be had. */
  token(pod: LocalPod, wanted: ServiceAccountTokenProjection): Promise<string>
}

export interface PodTokensOptions {
  clock: Clock
  signal: AbortSignal
  /** A token could not be replaced; the old one still holds. */
  onError(error: unknown): void
}

interface Held {
  token: string
  /** From here on it is to be replaced. */
  staleAtMs: number
  expiresAtMs: number
}

/** TokenRequests are created in `serviceaccounts/NAME/token`. */
const requests: Resource<TokenRequest> = {
  group: '',
  version: 'v1',
  kind: 'TokenRequest',
  plural: 'serviceaccounts',
  namespaced: true,
}

const dayMs = 86_400_000
const retryMs = 10_000
const defaultSeconds = 3600

/**
 * The service account tokens of the pods on this node, asked for with the node's own certificate, each bound to its pod.
 * One is kept until a fifth of its time is left, or for a day (upstream's token manager); then whoever follows the pod
 * is told, and the next look at its volumes writes a new one.
 */
export class PodTokens implements TokenSource {
  readonly #client: KubeClient
  readonly #options: PodTokensOptions
  readonly #held = new Map<string, Map<string, Held>>()
  readonly #followers = new Map<string, { changed(): void; stop: AbortController }>()

  constructor(client: KubeClient, options: PodTokensOptions) {
    this.#client = client
    this.#options = options
  }

  /** Calls `changed` when a token of the pod is to be replaced. */
  follow(uid: string, changed: () => void): void {
    const known = this.#followers.get(uid)
    this.#followers.set(uid, { changed, stop: known?.stop ?? new AbortController() })
  }

  /** The pod is gone: so is everything that was kept of it. */
  forget(uid: string): void {
    this.#followers.get(uid)?.stop.abort(new Error('the pod is gone'))
    this.#followers.delete(uid)
    this.#held.delete(uid)
  }

  async token(pod: LocalPod, wanted: ServiceAccountTokenProjection): Promise<string> {
    const { audience = '', expirationSeconds = defaultSeconds } = wanted
    const key = JSON.stringify([pod.spec.serviceAccountName, audience, expirationSeconds])
    const now = this.#options.clock.now()
    const held = this.#held.get(pod.uid)?.get(key)
    if (held !== undefined && now < held.staleAtMs) return held.token
    try {
      const fresh = await this.#request(pod, audience, expirationSeconds)
      const own = this.#held.get(pod.uid) ?? new Map<string, Held>()
      this.#held.set(pod.uid, own.set(key, fresh))
      this.#wake(pod.uid, fresh.staleAtMs - now)
      return fresh.token
    } catch (error) {
      if (held === undefined || held.expiresAtMs <= now) throw error
      this.#options.onError(error)
      this.#wake(pod.uid, retryMs)
      return held.token
    }
  }

  async #request(pod: LocalPod, audience: string, expirationSeconds: number): Promise<Held> {
    const { clock, signal } = this.#options
    const asked = clock.now()
    const request: TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid },
      },
    }
    const name = pod.spec.serviceAccountName ?? 'default'
    const place = { namespace: pod.namespace, name, subresource: 'token', signal }
    const { status } = await this.#client.create(requests, request, place)
    const expiresAtMs = Date.parse(status?.expirationTimestamp ?? '')
    if (status === undefined || Number.isNaN(expiresAtMs))
      throw new SkiffError('INTERNAL', `the API gave no token of serviceaccount ${pod.namespace}/${name}`)
    const lifeMs = expiresAtMs - asked
    return { token: status.token, expiresAtMs, staleAtMs: asked + Math.min(lifeMs * 0.8, dayMs) }
  }

  #wake(uid: string, afterMs: number): void {
    const follower = this.#followers.get(uid)
    if (follower === undefined) return
    const signal = AbortSignal.any([follower.stop.signal, this.#options.signal])
    this.#options.clock.sleep(afterMs, signal).then(
      () => this.#followers.get(uid)?.changed(),
      () => {},
    )
  }
}
