import type { Container } from 'kubernetes-types/core/v1.js'
import type { EngineImage, ImageStore } from '../../../host/container-engine.ts'
import type { Clock } from '../../../kube/clock.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import type { ConfigSource } from '../container/env.ts'
import { BackOff } from '../sync/back-off.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { defaultPullPolicy, parseImageReference } from './image-reference.ts'
import { registryAuth } from './pull-secrets.ts'

type Report = (type: 'Normal' | 'Warning', reason: string, message: string) => void

export type ImageResult =
  | { kind: 'present'; image: EngineImage }
  /** A waiting reason for the container's status; `retryAtMs`: when to try again. */
  | { kind: 'failed'; reason: string; message: string; retryAtMs?: number }

export interface ImagePullerOptions {
  images: ImageStore
  source: ConfigSource
  clock: Clock
}

/** What no pull can mend is looked at again at this pace: somebody may load the image, or edit the pod's. */
const lookAgainMs = 10_000

/** Sees to it that a container's image is there, by its pull policy. One pull of an image at a time, different ones in parallel. */
export class ImagePuller {
  readonly #options: ImagePullerOptions
  readonly #backOff = new BackOff()
  readonly #failures = new Map<string, { atMs: number; message: string }>()
  constructor(options: ImagePullerOptions) {
    this.#options = options
  }

  /** Failures come back as reasons, not as errors; throws only the signal's reason and UNAVAILABLE (no engine). */
  async ensure(pod: LocalPod, container: Container, report: Report, signal: AbortSignal): Promise<ImageResult> {
    const name = container.image ?? ''
    let policy: string
    try {
      policy = container.imagePullPolicy ?? defaultPullPolicy(name)
      parseImageReference(name)
    } catch (error) {
      const message = messageOf(error)
      report('Warning', 'InspectFailed', message)
      report('Warning', 'Failed', 'Error: InvalidImageName')
      return { kind: 'failed', reason: 'InvalidImageName', message, retryAtMs: this.#options.clock.now() + lookAgainMs }
    }
    const present = await this.#options.images.find(name, signal)
    if (present !== undefined && policy !== 'Always') {
      report('Normal', 'Pulled', `Container image "${name}" already present on machine`)
      return { kind: 'present', image: present }
    }
    if (policy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`
      report('Warning', 'ErrImageNeverPull', message)
      report('Warning', 'Failed', 'Error: ErrImageNeverPull')
      return {
        kind: 'failed',
        reason: 'ErrImageNeverPull',
        message,
        retryAtMs: this.#options.clock.now() + lookAgainMs,
      }
    }
    return this.#pull(pod, name, report, signal)
  }

  /** Forgets the failures of a pod that is gone. */
  forget(uid: string): void {
    this.#backOff.forget(uid)
    for (const key of this.#failures.keys()) if (key.startsWith(uid)) this.#failures.delete(key)
  }

  async #pull(pod: LocalPod, name: string, report: Report, signal: AbortSignal): Promise<ImageResult> {
    const { clock, images } = this.#options
    const key = `${pod.uid}/${name}`
    const failed = this.#failures.get(key)
    const held = failed === undefined ? undefined : this.#backOff.until(key, failed.atMs)
    if (failed !== undefined && held !== undefined && held.untilMs > clock.now()) {
      report('Normal', 'BackOff', `Back-off pulling image "${name}"`)
      report('Warning', 'Failed', 'Error: ImagePullBackOff')
      const message = `Back-off pulling image "${name}": ErrImagePull: ${failed.message}`
      return { kind: 'failed', reason: 'ImagePullBackOff', message, retryAtMs: held.untilMs }
    }
    report('Normal', 'Pulling', `Pulling image "${name}"`)
    const startedAt = clock.now()
    try {
      const auth = registryAuth(parseImageReference(name), await this.#secrets(pod))
      const image = await images.pull(name, { signal, ...(auth === undefined ? {} : { auth }) })
      const took = `${((clock.now() - startedAt) / 1000).toFixed(3)}s`
      report(
        'Normal',
        'Pulled',
        `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${image.sizeBytes} bytes.`,
      )
      this.#failures.delete(key)
      return { kind: 'present', image }
    } catch (error) {
      signal.throwIfAborted()
      const message = messageOf(error)
      if (error instanceof SkiffError && error.code === 'UNAVAILABLE' && message.includes('does not answer'))
        throw error
      const atMs = clock.now()
      this.#backOff.next(key, atMs, atMs)
      this.#failures.set(key, { atMs, message })
      report('Warning', 'Failed', `Failed to pull image "${name}": ${message}`)
      report('Warning', 'Failed', 'Error: ErrImagePull')
      // The status says ErrImagePull now and ImagePullBackOff at the look after this one, as upstream's does.
      return { kind: 'failed', reason: 'ErrImagePull', message, retryAtMs: atMs + 1000 }
    }
  }

  async #secrets(pod: LocalPod) {
    const names = (pod.spec.imagePullSecrets ?? []).flatMap(ref => ref.name ?? [])
    const found = await Promise.all(names.map(name => this.#options.source.secret(pod.namespace, name)))
    return found.filter(secret => secret !== undefined)
  }
}
