import { immutableMessage, invalid, nonNegative } from './field-error.ts'
import type { FieldError } from './kind.ts'

type Counts = Readonly<Record<string, unknown>> | undefined

const countOf = (status: Counts, field: string): number => {
  const value = status?.[field]
  return typeof value === 'number' ? value : 0
}

/** Counts in a status are not negative. */
export const validateCounts = (status: Counts, fields: readonly string[]): FieldError[] =>
  fields.flatMap(field => nonNegative(`status.${field}`, countOf(status, field)))

/** None of `fields` exceeds the field `most`. */
export const validateAtMost = (status: Counts, fields: readonly string[], most: string): FieldError[] =>
  fields
    .filter(field => countOf(status, field) > countOf(status, most))
    .map(field => invalid(`status.${field}`, countOf(status, field), `cannot be greater than status.${most}`))

/** The count of hash collisions only grows: names of what was made before depend on it. */
export const validateCollisions = (status: Counts, old: Counts): FieldError[] =>
  old?.['collisionCount'] !== undefined && countOf(status, 'collisionCount') < countOf(old, 'collisionCount')
    ? [invalid('status.collisionCount', countOf(status, 'collisionCount'), 'cannot be decremented')]
    : []

/** A field that is settled when the object is made. */
export const immutable = (field: string, value: unknown, same: boolean): FieldError[] =>
  same ? [] : [invalid(field, value ?? null, immutableMessage)]

/** The counts that every controller of replicas reports. */
export const validateReplicaStatus = (status: Counts): FieldError[] => [
  ...validateCounts(status, [
    'replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration',
  ]), // prettier-ignore
  ...validateAtMost(status, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas'),
  ...validateAtMost(status, ['availableReplicas'], 'readyReplicas'),
]
