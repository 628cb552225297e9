import { isDeepStrictEqual } from 'node:util'
import type { RuntimeClass } from 'kubernetes-types/node/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, immutableMessage, invalid, invalidEach } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { validateLabels } from './metadata-validation.ts'
import { dns1123LabelErrors } from './name-syntax.ts'
import { validateResources } from './resource-validation.ts'
import { validateTolerations } from './scheduling-validation.ts'

const validateScheduling = ({ scheduling }: Draft<RuntimeClass>): FieldError[] => {
  if (!scheduling) return []
  const { nodeSelector, tolerations = [] } = scheduling
  const path = 'scheduling.tolerations'
  return [
    ...validateLabels(nodeSelector, 'scheduling.nodeSelector'),
    // The name stands twice in upstream's paths.
    ...validateTolerations(tolerations, `${path}.tolerations`),
    ...tolerations.flatMap((toleration, i) =>
      tolerations.slice(0, i).some(earlier => isDeepStrictEqual(earlier, toleration))
        ? [duplicate(`${path}[${i}]`, toleration)]
        : [],
    ),
  ]
}

const validateOverhead = ({ overhead }: Draft<RuntimeClass>): FieldError[] =>
  overhead?.podFixed
    ? // The rules are those of limits, and the path is the field's own.
      validateResources({ limits: overhead.podFixed }, 'overhead').map(error => ({
        ...error,
        field: error.field.replace('overhead.limits', 'overhead.podFixed'),
      }))
    : []

const validate = (row: Draft<RuntimeClass>): FieldError[] => [
  ...invalidEach('handler', row.handler ?? '', dns1123LabelErrors(row.handler ?? '')),
  ...validateOverhead(row),
  ...validateScheduling(row),
]

export const runtimeClassKind: Kind = {
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.node.v1.RuntimeClass',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  validate: object => validate(draftOf<RuntimeClass>(object)),
  validateUpdate: (object, old) => {
    const { handler } = draftOf<RuntimeClass>(object)
    return handler === draftOf<RuntimeClass>(old).handler ? [] : [invalid('handler', handler, immutableMessage)]
  },
  columns: [
    nameColumn,
    column<RuntimeClass>('Handler', 'What the node runs it with.', o => o.handler ?? ''),
    ageColumn,
  ],
}
