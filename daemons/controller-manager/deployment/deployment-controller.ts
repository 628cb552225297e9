import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { messageOf } from '../../../kube/errors.ts'
import { objectKey } from '../../../kube/object.ts'
import { deployments, pods, replicaSets } from '../../../kube/resources.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import { hasReason } from '../../../kube/status.ts'
import { adoptPatch, claim, releasePatch } from '../claim.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { controllerOf, controllerReference, isControlledBy, isDeleting } from '../owner.ts'
import { applyWrite, deleteWrite, patchWrite, updateWrite } from '../write.ts'
import { planDeployment, type DeploymentPlan } from './deployment-plan.ts'
import { withCondition } from './deployment-status.ts'
import { revisionAnnotation } from './revision.ts'
import { isRollingUpdate, replicasOf } from './rollout-limits.ts'
import { equalTemplates } from './template-hash.ts'

class DeploymentController {
  readonly #context: ControllerContext
  readonly #recorder

  constructor(context: ControllerContext) {
    this.#context = context
    this.#recorder = context.recorder('deployment-controller')
  }

  start(): void {
    const { informers } = this.#context
    const queue = this.#context.startQueue('deployment', 5, async key => {
      const again = await this.#sync(key)
      if (again !== undefined) queue.addAfter(key, again)
    })
    const enqueue = (deployment: Deployment) => queue.add(objectKey(deployment))
    informers.of(deployments).subscribe({ added: enqueue, updated: enqueue, deleted: enqueue })
    const enqueueOwners = (set: ReplicaSet): void => {
      const owner = this.#ownerOf(set)
      if (owner !== undefined) enqueue(owner)
      else if (controllerOf(set) === undefined)
        for (const deployment of informers.of(deployments).byIndex('namespace', set.metadata?.namespace ?? ''))
          if (matchLabelSelector(deployment.spec?.selector, set.metadata?.labels)) enqueue(deployment)
    }
    informers.of(replicaSets).subscribe({
      added: enqueueOwners,
      updated: (set, old) => {
        if (controllerOf(old)?.uid !== controllerOf(set)?.uid) enqueueOwners(old)
        enqueueOwners(set)
      },
      deleted: enqueueOwners,
    })
    informers.of(pods).subscribe({
      // A Recreate rollout goes on when the last old pod is gone.
      deleted: pod => {
        const deployment = this.#deploymentOf(pod)
        if (deployment !== undefined && !isRollingUpdate(deployment)) enqueue(deployment)
      },
    })
  }

  #ownerOf(set: ReplicaSet): Deployment | undefined {
    const owner = controllerOf(set)
    if (owner?.kind !== 'Deployment') return undefined
    const found = this.#context.informers.of(deployments).get(`${set.metadata?.namespace}/${owner.name}`)
    return found?.metadata?.uid === owner.uid ? found : undefined
  }

  #deploymentOf(pod: Pod): Deployment | undefined {
    const owner = controllerOf(pod)
    if (owner?.kind !== 'ReplicaSet') return undefined
    const set = this.#context.informers.of(replicaSets).get(`${pod.metadata?.namespace}/${owner.name}`)
    return set === undefined ? undefined : this.#ownerOf(set)
  }

  async #sync(key: string): Promise<number | undefined> {
    const { informers, clock, client, signal } = this.#context
    const deployment = informers.of(deployments).get(key)
    if (deployment === undefined) return undefined
    if (Object.keys(deployment.spec?.selector ?? {}).length === 0) return this.#refuseAll(deployment)
    const sets = await this.#claimSets(deployment)
    const plan = planDeployment({
      deployment,
      replicaSets: sets,
      pods: sets.flatMap(set => informers.of(pods).byIndex('controller', set.metadata?.uid ?? '')),
      nowMs: clock.now(),
    })
    if (plan.create !== undefined && !(await this.#create(deployment, plan.create))) return undefined
    let latest = deployment
    if (plan.revision !== undefined) {
      const patch = { metadata: { annotations: { [revisionAnnotation]: plan.revision } } }
      const patched = await applyWrite(client, patchWrite(deployments, deployment, patch), signal)
      if (patched === undefined) return undefined
      latest = patched as Deployment
    }
    for (const update of plan.updates) await this.#resize(deployment, update)
    for (const set of plan.remove) await applyWrite(client, deleteWrite(replicaSets, set), signal)
    if (plan.status !== undefined)
      await applyWrite(client, updateWrite(deployments, { ...latest, status: plan.status }, 'status'), signal)
    return plan.againMs
  }

  /** Taken as selecting nothing: a Deployment over every pod of its namespace is a mistake. */
  async #refuseAll(deployment: Deployment): Promise<undefined> {
    const message = 'An empty selector would select every pod of the namespace; the deployment is left alone.'
    this.#recorder.event(deployment, 'Warning', 'SelectingAll', message)
    const generation = deployment.metadata?.generation ?? 0
    if ((deployment.status?.observedGeneration ?? 0) >= generation) return
    const status = { ...deployment.status, observedGeneration: generation }
    const write = updateWrite(deployments, { ...deployment, status }, 'status')
    await applyWrite(this.#context.client, write, this.#context.signal)
  }

  async #claimSets(deployment: Deployment): Promise<ReplicaSet[]> {
    const { informers, client, signal } = this.#context
    const namespace = deployment.metadata?.namespace ?? ''
    const candidates = informers.of(replicaSets).byIndex('namespace', namespace)
    const selected = (set: ReplicaSet) => matchLabelSelector(deployment.spec?.selector, set.metadata?.labels)
    const { owned, adopt, release } = claim(deployment, candidates, selected)
    for (const set of release)
      await applyWrite(
        client,
        patchWrite(replicaSets, set, releasePatch(set, [deployment.metadata?.uid ?? ''])),
        signal,
      )
    if (adopt.length === 0) return owned
    const live = await client.get(deployments, deployment.metadata?.name ?? '', { namespace })
    if (live.metadata?.uid !== deployment.metadata?.uid || isDeleting(live)) return owned
    for (const set of adopt) {
      const patch = adoptPatch(set, controllerReference(deployment, deployments))
      const adopted = await applyWrite(client, patchWrite(replicaSets, set, patch), signal)
      if (adopted !== undefined) owned.push(adopted as ReplicaSet)
    }
    return owned
  }

  /** False when the pass ends here: the set is there already and the cache late, or its name is taken by another. */
  async #create(deployment: Deployment, set: ReplicaSet): Promise<boolean> {
    const { client, signal } = this.#context
    try {
      await client.create(replicaSets, set, { signal })
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) {
        await this.#resolveCollision(deployment, set)
        return false
      }
      await this.#reportCreateFailure(deployment, set, error)
      throw error
    }
    if (replicasOf(set) > 0) this.#scaled(deployment, set, 0, replicasOf(set))
    return true
  }

  async #resolveCollision(deployment: Deployment, set: ReplicaSet): Promise<void> {
    const { client, signal } = this.#context
    const namespace = set.metadata?.namespace ?? ''
    const live = await client.get(replicaSets, set.metadata?.name ?? '', { namespace })
    // Ours: the informer will bring it, and the next pass goes on from there.
    if (isControlledBy(live, deployment) && equalTemplates(live.spec?.template, set.spec?.template)) return
    const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 }
    await applyWrite(client, updateWrite(deployments, { ...deployment, status }, 'status'), signal)
  }

  async #reportCreateFailure(deployment: Deployment, set: ReplicaSet, error: unknown): Promise<void> {
    const { client, signal, clock } = this.#context
    const message = `Failed to create new replica set "${set.metadata?.name}": ${messageOf(error)}`
    this.#recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', message)
    if (deployment.spec?.progressDeadlineSeconds === undefined) return
    const told = { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message }
    const known = deployment.status?.conditions ?? []
    if (known.some(condition => condition.type === told.type && condition.reason === told.reason)) return
    const status = { ...deployment.status, conditions: withCondition(known, told, clock.now()) }
    await applyWrite(client, updateWrite(deployments, { ...deployment, status }, 'status'), signal)
  }

  async #resize(deployment: Deployment, { object, from, to }: DeploymentPlan['updates'][number]): Promise<void> {
    await applyWrite(this.#context.client, updateWrite(replicaSets, object), this.#context.signal)
    if (from !== to) this.#scaled(deployment, object, from, to)
  }

  #scaled(deployment: Deployment, set: ReplicaSet, from: number, to: number): void {
    const way = to > from ? 'up' : 'down'
    const message = `Scaled ${way} replica set ${set.metadata?.name} from ${from} to ${to}`
    this.#recorder.event(deployment, 'Normal', 'ScalingReplicaSet', message)
  }
}

export const startDeploymentController: StartController = context => new DeploymentController(context).start()
