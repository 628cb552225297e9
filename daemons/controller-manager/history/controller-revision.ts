import type { ControllerRevision } from 'kubernetes-types/apps/v1.js'
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import type { KubeObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { canonicalJson, equalTemplates, templateHash } from '../deployment/template-hash.ts'
import { controllerReference } from '../owner.ts'

export const revisionHashLabel = 'controller-revision-hash'

/** Something that keeps the history of its pod template in ControllerRevisions. */
export interface HistoryOwner extends KubeObject {
  spec?: { template: PodTemplateSpec; revisionHistoryLimit?: number }
  status?: { collisionCount?: number }
}

/** A strategic merge patch of the owner: what `kubectl rollout undo` sends back. */
interface RevisionData {
  spec: { template: PodTemplateSpec & { $patch: 'replace' } }
}

export const templateOf = (revision: ControllerRevision): PodTemplateSpec | undefined => {
  const { $patch: _, ...template } = (revision.data as RevisionData | undefined)?.spec?.template ?? { $patch: '' }
  return Object.keys(template).length === 0 ? undefined : (template as PodTemplateSpec)
}

export const olderRevisionFirst = (a: ControllerRevision, b: ControllerRevision): number =>
  a.revision - b.revision ||
  Date.parse(a.metadata?.creationTimestamp ?? '') - Date.parse(b.metadata?.creationTimestamp ?? '') ||
  ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1)

export interface HistoryPlan {
  /** The revision of the present template; undefined: it is to be made. */
  current: ControllerRevision | undefined
  /** What its number is to be: that of the newest, also where a rollback made an old one current again. */
  number: number
  old: ControllerRevision[]
}

/** Tells the revision of the owner's template from those before it. */
export const planHistory = (owner: HistoryOwner, revisions: readonly ControllerRevision[]): HistoryPlan => {
  const sorted = [...revisions].sort(olderRevisionFirst)
  const current = sorted.findLast(revision => equalTemplates(templateOf(revision), owner.spec?.template))
  const old = sorted.filter(revision => revision !== current)
  return { current, number: Math.max(0, ...old.map(({ revision }) => revision)) + 1, old }
}

/** The name of the label that carries a revision's hash differs by kind. */
export const newRevision = (
  owner: HistoryOwner,
  resource: Resource<unknown>,
  options: { number: number; collisionCount: number; hashLabel: string },
): ControllerRevision => {
  const template = owner.spec?.template ?? {}
  const hash = templateHash(template, options.collisionCount)
  const data: RevisionData = { spec: { template: { ...template, $patch: 'replace' } } }
  const { annotations } = owner.metadata ?? {}
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${(owner.metadata?.name ?? '').slice(0, 223)}-${hash}`,
      namespace: owner.metadata?.namespace ?? '',
      labels: { ...template.metadata?.labels, [options.hashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(owner, resource)],
    },
    // In Go's order of keys: clients compare its bytes with those they make of the owner.
    data: JSON.parse(canonicalJson(data)) as object,
    revision: options.number,
  }
}

/** Old revisions past the limit, the oldest first; those that pods still run are kept. */
export const pastLimit = (
  owner: HistoryOwner,
  old: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
): ControllerRevision[] => {
  const surplus = old.length - (owner.spec?.revisionHistoryLimit ?? 10)
  return surplus <= 0 ? [] : old.filter(revision => !isLive(revision)).slice(0, surplus)
}
