import { isDeepStrictEqual } from 'node:util'
import type { CSIStorageCapacity } from 'kubernetes-types/storage/v1.js'
import { column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { immutableMessage, invalid, invalidEach } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123SubdomainErrors } from './name-syntax.ts'
import { validateQuantity } from './resource-validation.ts'
import { validateLabelSelector } from './selector-validation.ts'

const validate = (row: Draft<CSIStorageCapacity>): FieldError[] => {
  const { storageClassName = '' } = row
  const errors = invalidEach('storageClassName', storageClassName, dns1123SubdomainErrors(storageClassName))
  for (const field of ['capacity', 'maximumVolumeSize'] as const) {
    const quantity = row[field]
    if (quantity !== undefined) errors.push(...validateQuantity(quantity, field))
  }
  return [...errors, ...validateLabelSelector(row.nodeTopology, 'nodeTopology')]
}

export const csiStorageCapacityKind: Kind = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.storage.v1.CSIStorageCapacity',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  validate: object => validate(draftOf<CSIStorageCapacity>(object)),
  validateUpdate: (object, old) => {
    const next = draftOf<CSIStorageCapacity>(object)
    const before = draftOf<CSIStorageCapacity>(old)
    return (['nodeTopology', 'storageClassName'] as const)
      .filter(field => !isDeepStrictEqual(next[field], before[field]))
      .map(field => invalid(field, next[field], immutableMessage))
  },
  columns: [
    nameColumn,
    column<CSIStorageCapacity>('StorageClassName', 'The class of the volumes.', o => o.storageClassName ?? ''),
    column<CSIStorageCapacity>('Capacity', 'How much is left.', o => o.capacity ?? '<unset>'),
  ],
}
