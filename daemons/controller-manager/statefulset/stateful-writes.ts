import type { StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { EventRecorder } from '../../../kube/client/event-recorder.ts'
import { messageOf, unreachable } from '../../../kube/errors.ts'
import { persistentVolumeClaims, pods } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { ControllerContext } from '../controller-context.ts'
import { isTerminatingNamespace } from '../pod-creation.ts'
import { applyWrite, deleteWrite, patchWrite } from '../write.ts'
import { claimOwners, claimsOf, isStale, ownersMatch } from './pod-claims.ts'
import { ordinalOf, podIndexLabel, podNameLabel } from './stateful-pod.ts'
import type { StatefulAction } from './statefulset-plan.ts'

export class StatefulWrites {
  readonly #context: ControllerContext
  readonly #recorder: EventRecorder

  constructor(context: ControllerContext) {
    this.#context = context
    this.#recorder = context.recorder('statefulset-controller')
  }

  /** One after the other, in their order; the first failure ends it. */
  async carryOut(set: StatefulSet, actions: readonly StatefulAction[]): Promise<void> {
    for (const action of actions)
      switch (action.kind) {
        case 'create':
          await this.#create(set, action.pod)
          break
        case 'delete':
          await this.#told(set, 'delete', `Pod ${action.pod.metadata?.name}`, () =>
            this.#apply(deleteWrite(pods, action.pod)),
          )
          break
        case 'label':
          await this.#label(set, action.pod)
          break
        case 'claims':
          await this.#claims(set, action.pod, action.make)
          break
        default:
          return unreachable(action)
      }
  }

  #apply(write: Parameters<typeof applyWrite>[1]): Promise<unknown> {
    return applyWrite(this.#context.client, write, this.#context.signal)
  }

  /** Does it and says how it went, in upstream's words. */
  async #told(set: StatefulSet, verb: 'create' | 'delete' | 'update', what: string, run: () => Promise<unknown>) {
    const [name, reason] = [set.metadata?.name, `${verb.charAt(0).toUpperCase()}${verb.slice(1)}`]
    try {
      await run()
    } catch (error) {
      // What is there already comes with the cache; what the namespace refuses goes with it.
      if (!hasReason(error, 'AlreadyExists') && !isTerminatingNamespace(error)) {
        const message = `${verb} ${what} in StatefulSet ${name} failed error: ${messageOf(error)}`
        this.#recorder.event(set, 'Warning', `Failed${reason}`, message)
      }
      throw error
    }
    this.#recorder.event(set, 'Normal', `Successful${reason}`, `${verb} ${what} in StatefulSet ${name} successful`)
  }

  #known(wanted: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
    const { name, namespace } = wanted.metadata ?? {}
    return this.#context.informers.of(persistentVolumeClaims).get(`${namespace}/${name}`)
  }

  async #create(set: StatefulSet, pod: Pod): Promise<void> {
    const claims = claimsOf(set, pod)
    // Once it has gone we are called again.
    if (claims.map(wanted => this.#known(wanted)).some(known => known !== undefined && isStale(set, known, pod))) return
    for (const wanted of claims) if (this.#known(wanted) === undefined) await this.#createClaim(set, pod, wanted)
    const { client, signal } = this.#context
    await this.#told(set, 'create', `Pod ${pod.metadata?.name}`, () => client.create(pods, pod, { signal }))
  }

  async #createClaim(set: StatefulSet, pod: Pod, wanted: PersistentVolumeClaim): Promise<void> {
    const { client, signal } = this.#context
    const what = `Claim ${wanted.metadata?.name} Pod ${pod.metadata?.name}`
    const ownerReferences = claimOwners(set, pod, wanted)
    const owned = {
      ...wanted,
      metadata: { ...wanted.metadata, ...(ownerReferences.length > 0 ? { ownerReferences } : {}) },
    }
    try {
      await this.#told(set, 'create', what, () => client.create(persistentVolumeClaims, owned, { signal }))
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error
    }
  }

  async #claims(set: StatefulSet, pod: Pod, make: boolean): Promise<void> {
    for (const wanted of claimsOf(set, pod)) {
      const known = this.#known(wanted)
      if (known === undefined) {
        if (make) await this.#createClaim(set, pod, wanted)
      } else if (!ownersMatch(set, pod, known)) {
        const ownerReferences = claimOwners(set, pod, known)
        const { resourceVersion } = known.metadata ?? {}
        const patch = {
          metadata: { resourceVersion, ownerReferences: ownerReferences.length > 0 ? ownerReferences : null },
        }
        await this.#apply(patchWrite(persistentVolumeClaims, known, patch))
      }
    }
  }

  async #label(set: StatefulSet, pod: Pod): Promise<void> {
    const labels = { [podNameLabel]: pod.metadata?.name, [podIndexLabel]: String(ordinalOf(set, pod)) }
    await this.#told(set, 'update', `Pod ${pod.metadata?.name}`, () =>
      this.#apply(patchWrite(pods, pod, { metadata: { labels } })),
    )
  }
}
