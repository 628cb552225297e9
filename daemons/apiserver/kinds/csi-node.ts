import { isDeepStrictEqual } from 'node:util'
import type { CSINode, CSINodeDriver } from 'kubernetes-types/storage/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { validateCsiDriverName } from './csi-driver-name.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, immutableMessage, invalid, invalidEach, nonNegative, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { qualifiedNameErrors } from './name-syntax.ts'

const maxNodeIdBytes = 256

const validateDriver = (driver: Draft<CSINodeDriver>, path: string): FieldError[] => {
  const { name, nodeID = '', allocatable, topologyKeys = [] } = driver
  const errors = validateCsiDriverName(name, `${path}.name`)
  if (nodeID === '') errors.push(required(`${path}.nodeID`))
  if (nodeID.length > maxNodeIdBytes)
    errors.push(invalid(`${path}.nodeID`, nodeID, `must be ${maxNodeIdBytes} characters or less`))
  errors.push(...nonNegative(`${path}.allocatable.count`, allocatable?.count))
  for (const [i, key] of topologyKeys.entries()) {
    if (key === '') errors.push(required(path))
    if (topologyKeys.indexOf(key) < i) errors.push(duplicate(path, key))
    errors.push(...invalidEach(path, topologyKeys, qualifiedNameErrors(key)))
  }
  return errors
}

const validate = ({ spec }: Draft<CSINode>): FieldError[] => {
  const names = new Set<string>()
  return (spec?.drivers ?? []).flatMap((driver, i) => {
    const { name = '' } = driver
    const repeated = names.has(name)
    names.add(name)
    const errors = validateDriver(driver, `spec.drivers[${i}]`)
    return repeated ? [...errors, duplicate(`spec.drivers[${i}].name`, name)] : errors
  })
}

/** A driver may come and go, and never change while it is there. */
const validateUpdate = ({ spec }: Draft<CSINode>, old: Draft<CSINode>): FieldError[] =>
  (spec?.drivers ?? []).flatMap(driver => {
    const before = (old.spec?.drivers ?? []).find(({ name }) => name === driver.name)
    return before === undefined || isDeepStrictEqual(before, driver)
      ? []
      : [invalid('CSINodeDriver', driver, immutableMessage)]
  })

export const csiNodeKind: Kind = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  singular: 'csinode',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.storage.v1.CSINode',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  validate: object => validate(draftOf<CSINode>(object)),
  validateUpdate: (object, old) => validateUpdate(draftOf<CSINode>(object), draftOf<CSINode>(old)),
  columns: [
    nameColumn,
    column<CSINode>('Drivers', 'How many drivers the node has.', o => (o.spec?.drivers ?? []).length, {
      type: 'integer',
    }),
    ageColumn,
  ],
}
