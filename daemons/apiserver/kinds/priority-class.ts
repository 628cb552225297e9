import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, immutableMessage, invalid, oneOf } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'

/** Above this stand the two classes of the system alone. */
export const highestUserPriority = 1_000_000_000
const policies = ['PreemptLowerPriority', 'Never']

/** The classes every cluster has, with the priorities they must have. */
export const systemPriorities: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
}

const validate = ({ metadata, value = 0, preemptionPolicy }: Draft<PriorityClass>): FieldError[] => {
  const errors: FieldError[] = []
  const name = metadata?.name ?? ''
  if (name.startsWith('system-')) {
    if (systemPriorities[name] !== value)
      errors.push(
        forbidden(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: ${
            name in systemPriorities
              ? `value of ${name} PriorityClass must be ${systemPriorities[name]}`
              : `${name} is not a known system priority class`
          }`,
        ),
      )
  } else if (value > highestUserPriority)
    errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`))
  if (preemptionPolicy !== undefined) errors.push(...oneOf('preemptionPolicy', preemptionPolicy, policies))
  return errors
}

export const priorityClassKind: Kind = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.scheduling.v1.PriorityClass',
  hasStatus: false,
  subresources: [],
  generationFields: ['value'],
  setDefaults: object => {
    const row = draftOf<PriorityClass>(object)
    row.value ??= 0
    row.preemptionPolicy ||= 'PreemptLowerPriority'
  },
  validate: object => validate(draftOf<PriorityClass>(object)),
  validateUpdate: (object, old) => {
    const next = draftOf<PriorityClass>(object)
    const before = draftOf<PriorityClass>(old)
    const errors: FieldError[] = []
    if (next.value !== before.value) errors.push(forbidden('value', 'may not be changed in an update.'))
    if (next.preemptionPolicy !== before.preemptionPolicy)
      errors.push(invalid('preemptionPolicy', next.preemptionPolicy, immutableMessage))
    return errors
  },
  columns: [
    nameColumn,
    column<PriorityClass>('Value', 'The priority of its pods.', o => o.value ?? 0, { type: 'integer' }),
    column<PriorityClass>('Global-Default', 'Whether pods that name none get it.', o => o.globalDefault ?? false, {
      type: 'boolean',
    }),
    ageColumn,
    column<PriorityClass>('PreemptionPolicy', 'Whether its pods may push out others.', o => o.preemptionPolicy ?? ''),
  ],
}
