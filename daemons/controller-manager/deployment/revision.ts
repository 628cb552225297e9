import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import { replicasOf, rolloutLimits } from './rollout-limits.ts'

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const historyAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas'

/** The Deployment's annotations that say something about itself, and are not handed to its ReplicaSets. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
])

/** A revision is an int64, of which a number holds but 53 bits; undefined: the text is none. */
const parseRevision = (text: string): bigint | undefined => {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
  const revision = BigInt(text.replace(/^\+/, ''))
  return BigInt.asIntN(64, revision) === revision ? revision : undefined
}

export const revisionOf = (set: ReplicaSet): bigint =>
  parseRevision(set.metadata?.annotations?.[revisionAnnotation] ?? '') ?? 0n

/** What a ReplicaSet is told about the size of the whole: proportional scaling reads it when the size changes. */
export const sizeAnnotations = (deployment: Deployment): Record<string, string> => ({
  [desiredAnnotation]: String(replicasOf(deployment)),
  [maxAnnotation]: String(replicasOf(deployment) + rolloutLimits(deployment).maxSurge),
})

/**
 * Annotations of the ReplicaSet that carries the current template: the Deployment's own, and the next revision. A set
 * that becomes current again (a rollback) keeps the revisions it had before in its history.
 */
export const currentAnnotations = (
  deployment: Deployment,
  old: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
): Record<string, string> => {
  const annotations = { ...current?.metadata?.annotations }
  for (const [key, value] of Object.entries(deployment.metadata?.annotations ?? {}))
    if (!ownAnnotations.has(key)) annotations[key] = value
  const newest = old.map(revisionOf).reduce((most, one) => (one > most ? one : most), 0n)
  const had = annotations[revisionAnnotation] ?? ''
  const hadRevision = had === '' ? 0n : parseRevision(had)
  // What somebody else wrote there, and is no revision, is left alone.
  if (hadRevision !== undefined && hadRevision <= newest) {
    annotations[revisionAnnotation] = String(newest + 1n)
    if (had !== '') {
      const history = annotations[historyAnnotation]
      annotations[historyAnnotation] = history === undefined || history === '' ? had : `${history},${had}`
    }
  }
  return annotations
}
