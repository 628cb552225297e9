import { isDeepStrictEqual } from 'node:util'
import type { Container, Pod, PodSpec, Toleration } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { forbidden, invalid } from './field-error.ts'
import type { FieldError } from './kind.ts'

type Spec = Draft<PodSpec>
type Json = Readonly<Record<string, unknown>>

const mayChange =
  'pod updates may not change fields other than ' +
  [
    '`spec.containers[*].image`',
    '`spec.initContainers[*].image`',
    '`spec.activeDeadlineSeconds`',
    '`spec.tolerations` (only additions to existing tolerations)',
    '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
  ].join(',')

/** Fields with rules of their own below. */
const ownRules = new Set([
  'containers',
  'initContainers',
  'activeDeadlineSeconds',
  'tolerations',
  'terminationGracePeriodSeconds',
  'schedulingGates',
])

const differing = (next: Json, old: Json, except: (key: string) => boolean): string[] =>
  [...new Set([...Object.keys(next), ...Object.keys(old)])].filter(
    key => !except(key) && !isDeepStrictEqual(next[key], old[key]),
  )

const shown = (value: unknown): string => (value === undefined ? '<unset>' : JSON.stringify(value))

/** The fields that changed and must not, each with what it was and what it would be. */
const containerChanges = (
  next: readonly Draft<Container>[],
  old: readonly Draft<Container>[],
  path: string,
): string[] =>
  next.flatMap((container, i) => {
    const before: Json = old[i] ?? {}
    const after: Json = container
    return differing(after, before, key => key === 'image').map(
      key => `${path}[${i}].${key}: ${shown(before[key])} -> ${shown(after[key])}`,
    )
  })

const validateTolerations = (next: readonly Draft<Toleration>[], old: readonly Draft<Toleration>[]): FieldError[] => {
  const same = (a: Draft<Toleration>, b: Draft<Toleration>): boolean =>
    isDeepStrictEqual({ ...a, tolerationSeconds: 0 }, { ...b, tolerationSeconds: 0 })
  return old.every(before => next.some(after => same(after, before)))
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')]
}

const validateDeadline = (next: number | undefined, old: number | undefined): FieldError[] => {
  const path = 'spec.activeDeadlineSeconds'
  if (old === undefined || old === null) return []
  if (next === undefined || next === null)
    return [invalid(path, null, 'must not update from a positive integer to nil value')]
  return next > old ? [invalid(path, next, 'must be less than or equal to previous value')] : []
}

const validateGates = (next: Spec, old: Spec): FieldError[] => {
  const before = new Set((old.schedulingGates ?? []).map(g => g.name))
  return (next.schedulingGates ?? []).flatMap(({ name }, i) =>
    before.has(name)
      ? []
      : [
          forbidden(
            `spec.schedulingGates[${i}].name`,
            `only deletion is allowed, but found new scheduling gate '${name}'`,
          ),
        ],
  )
}

/** The rules of a write to the pod itself: nearly everything about a pod is settled when it is made. */
export const validatePodUpdate = (pod: Draft<Pod>, oldPod: Draft<Pod>): FieldError[] => {
  const next = pod.spec ?? {}
  const old = oldPod.spec ?? {}
  const errors: FieldError[] = []
  for (const field of ['containers', 'initContainers'] as const)
    if ((next[field] ?? []).length !== (old[field] ?? []).length)
      errors.push(forbidden(`spec.${field}`, 'pod updates may not add or remove containers'))
  if (errors.length > 0) return errors
  errors.push(...validateDeadline(next.activeDeadlineSeconds, old.activeDeadlineSeconds))
  errors.push(...validateTolerations(next.tolerations ?? [], old.tolerations ?? []))
  errors.push(...validateGates(next, old))
  // A pod held back by gates may still be told more exactly where to go.
  const gated = (old.schedulingGates ?? []).length > 0
  const after: Json = next
  const before: Json = old
  const changes = differing(
    after,
    before,
    key => ownRules.has(key) || (gated && (key === 'nodeSelector' || key === 'affinity')),
  )
    .map(key => `spec.${key}: ${shown(before[key])} -> ${shown(after[key])}`)
    .concat(containerChanges(next.containers ?? [], old.containers ?? [], 'spec.containers'))
    .concat(containerChanges(next.initContainers ?? [], old.initContainers ?? [], 'spec.initContainers'))
  const [grace, graceBefore] = [next.terminationGracePeriodSeconds, old.terminationGracePeriodSeconds]
  if (grace !== graceBefore && !((graceBefore ?? 0) < 0 && grace === 1))
    changes.push(`spec.terminationGracePeriodSeconds: ${shown(graceBefore)} -> ${shown(grace)}`)
  if (changes.length > 0) errors.push(forbidden('spec', `${mayChange}\n${changes.join('\n')}`))
  return errors
}
