import { isDeepStrictEqual } from 'node:util'
import type { VolumeAttributesClass } from 'kubernetes-types/storage/v1alpha1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import { forbidden } from './field-error.ts'
import type { Kind } from './kind.ts'
import { validateParameters, validateProvisioner } from './storage-parameters.ts'

// The shape is the same in v1 as it was in v1alpha1, the newest that the types at hand know.
export const volumeAttributesClassKind: Kind = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  singular: 'volumeattributesclass',
  shortNames: ['vac'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.storage.v1.VolumeAttributesClass',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  validate: object => {
    const { driverName, parameters } = draftOf<VolumeAttributesClass>(object)
    return [
      ...validateProvisioner(driverName, 'driverName'),
      ...validateParameters(parameters, { path: 'parameters', mayBeEmpty: false }),
    ]
  },
  validateUpdate: (object, old) => {
    const next = draftOf<VolumeAttributesClass>(object)
    const before = draftOf<VolumeAttributesClass>(old)
    return (['driverName', 'parameters'] as const)
      .filter(field => !isDeepStrictEqual(next[field], before[field]))
      .map(field => forbidden(field, `updates to ${field} are forbidden.`))
  },
  columns: [
    nameColumn,
    column<VolumeAttributesClass>('DriverName', 'The driver that knows its parameters.', o => o.driverName ?? ''),
    ageColumn,
  ],
}
