import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { messageOf, unreachable } from '../../../kube/errors.ts'
import { objectKey } from '../../../kube/object.ts'
import { pods } from '../../../kube/resources.ts'
import type { EventRecorder } from '../../../kube/client/event-recorder.ts'
import type { ControllerContext } from '../controller-context.ts'
import type { Expectations } from '../expectations.ts'
import { removeFinalizer } from '../finalizer.ts'
import { isPodReady } from '../pod-state.ts'
import { isTerminatingNamespace, slowStart } from '../pod-creation.ts'
import { applyWrite, deleteWrite } from '../write.ts'
import { trackingFinalizer } from './job-pods.ts'
import type { PodAction } from './job-plan.ts'

/** How the numbers of pods have changed, and the first failure. */
export interface Done {
  active: number
  ready: number
  terminating: number
  /** How many of the pods could not be deleted. */
  failed: number
  error: unknown
}

export const releasePod = (context: ControllerContext, pod: Pod): Promise<void> =>
  removeFinalizer(context, pods, { object: pod, finalizer: trackingFinalizer })

export class JobPodWrites {
  readonly #context: ControllerContext
  readonly #expectations: Expectations
  readonly #recorder: EventRecorder

  constructor(context: ControllerContext, expectations: Expectations) {
    this.#context = context
    this.#expectations = expectations
    this.#recorder = context.recorder('job-controller')
  }

  async carryOut(job: Job, action: PodAction): Promise<Done> {
    switch (action.kind) {
      case 'none':
        return { active: 0, ready: 0, terminating: 0, failed: 0, error: undefined }
      case 'create':
        return this.#create(job, action.pods)
      case 'remove':
        this.#expectations.expect(objectKey(job), 0, action.pods.map(objectKey))
        return this.#delete(job, action.pods, async pod => releasePod(this.#context, pod))
      case 'end':
        return this.#delete(job, action.pods, async () => {})
      default:
        return unreachable(action)
    }
  }

  async #create(job: Job, wanted: readonly Pod[]): Promise<Done> {
    const key = objectKey(job)
    this.#expectations.expect(key, wanted.length)
    const { done, error } = await slowStart(wanted, pod => this.#createPod(job, pod))
    for (let i = done; i < wanted.length; i++) this.#expectations.creationSeen(key)
    return {
      active: done,
      ready: 0,
      terminating: 0,
      failed: 0,
      error: isTerminatingNamespace(error) ? undefined : error,
    }
  }

  async #createPod(job: Job, pod: Pod): Promise<void> {
    try {
      const made = await this.#context.client.create(pods, pod, { signal: this.#context.signal })
      this.#recorder.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata?.name}`)
    } catch (error) {
      if (!isTerminatingNamespace(error))
        this.#recorder.event(job, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
      throw error
    }
  }

  async #delete(job: Job, doomed: readonly Pod[], prepare: (pod: Pod) => Promise<void>): Promise<Done> {
    const key = objectKey(job)
    const { client, signal } = this.#context
    const results = await Promise.allSettled(
      doomed.map(async pod => {
        try {
          await prepare(pod)
          await applyWrite(client, deleteWrite(pods, pod), signal)
          this.#recorder.event(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata?.name}`)
        } catch (error) {
          this.#expectations.deletionSeen(key, objectKey(pod))
          this.#recorder.event(job, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
          throw error
        }
      }),
    )
    const gone = doomed.filter((_, i) => results[i]?.status === 'fulfilled')
    return {
      active: -gone.length,
      ready: -gone.filter(isPodReady).length,
      terminating: gone.length,
      failed: doomed.length - gone.length,
      error: results.find(result => result.status === 'rejected')?.reason,
    }
  }
}
