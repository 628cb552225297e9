import type { ControllerRevision } from 'kubernetes-types/apps/v1.js'
import type { MetaLabelSelector } from '../../../kube/selectors.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import type { Resource } from '../../../kube/resource.ts'
import { controllerRevisions } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import { equalTemplates } from '../deployment/template-hash.ts'
import { adoptPatch, claim } from '../claim.ts'
import type { ControllerContext } from '../controller-context.ts'
import { controllerReference, isControlledBy } from '../owner.ts'
import { applyWrite, deleteWrite, patchWrite } from '../write.ts'
import { newRevision, planHistory, templateOf, type HistoryOwner } from './controller-revision.ts'

export interface History {
  current: ControllerRevision
  old: ControllerRevision[]
  /** To be kept in the owner's status: the next name depends on it. */
  collisionCount: number
}

/** Keeps the ControllerRevisions of one kind's objects. */
export class ControllerHistory {
  readonly #context: ControllerContext
  readonly #resource: Resource<unknown>
  readonly #hashLabel: string

  constructor(context: ControllerContext, resource: Resource<unknown>, hashLabel: string) {
    this.#context = context
    this.#resource = resource
    this.#hashLabel = hashLabel
    // Asked for now, so that it is there and synced before any work is done.
    context.informers.of(controllerRevisions)
  }

  /** Those under the owner's control, the free ones that it selects taken in. */
  async #revisions(owner: HistoryOwner, selector: MetaLabelSelector | undefined): Promise<ControllerRevision[]> {
    const { informers, client, signal } = this.#context
    const all = informers.of(controllerRevisions).byIndex('namespace', owner.metadata?.namespace ?? '')
    const { owned, adopt } = claim(owner, all, ({ metadata }) => matchLabelSelector(selector, metadata?.labels))
    for (const revision of adopt) {
      const patch = adoptPatch(revision, controllerReference(owner, this.#resource))
      const adopted = await applyWrite(client, patchWrite(controllerRevisions, revision, patch), signal)
      if (adopted !== undefined) owned.push(adopted as ControllerRevision)
    }
    return owned
  }

  /** Sees to it that the present template has a revision, and that it is the newest. */
  async keep(owner: HistoryOwner, selector: MetaLabelSelector | undefined): Promise<History> {
    const { client, signal } = this.#context
    const plan = planHistory(owner, await this.#revisions(owner, selector))
    const collisionCount = owner.status?.collisionCount ?? 0
    if (plan.current === undefined)
      return { ...(await this.#create(owner, plan.number, collisionCount)), old: plan.old }
    if (plan.current.revision >= plan.number) return { current: plan.current, old: plan.old, collisionCount }
    const moved = { ...plan.current, revision: plan.number }
    return { current: await client.update(controllerRevisions, moved, { signal }), old: plan.old, collisionCount }
  }

  async #create(owner: HistoryOwner, number: number, since: number): Promise<Omit<History, 'old'>> {
    const { client, signal } = this.#context
    for (let collisionCount = since; ; collisionCount++) {
      const wanted = newRevision(owner, this.#resource, { number, collisionCount, hashLabel: this.#hashLabel })
      try {
        return { current: await client.create(controllerRevisions, wanted, { signal }), collisionCount }
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists')) throw error
      }
      const { name = '', namespace = '' } = wanted.metadata ?? {}
      const taken = await client.get(controllerRevisions, name, { namespace, signal })
      // Ours, and the cache is late: it is the one. Otherwise the name is another template's.
      if (isControlledBy(taken, owner) && equalTemplates(templateOf(taken), owner.spec?.template))
        return { current: taken, collisionCount }
    }
  }

  async remove(revisions: readonly ControllerRevision[]): Promise<void> {
    const { client, signal } = this.#context
    for (const revision of revisions) await applyWrite(client, deleteWrite(controllerRevisions, revision), signal)
  }
}
