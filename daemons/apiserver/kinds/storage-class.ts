import { isDeepStrictEqual } from 'node:util'
import type { TopologySelectorTerm } from 'kubernetes-types/core/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, immutableMessage, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { qualifiedNameErrors } from './name-syntax.ts'
import { validateParameters, validateProvisioner } from './storage-parameters.ts'

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
]

/** Whether claims that name no class get this one. */
export const isDefaultClass = ({ metadata }: Draft<StorageClass>): boolean =>
  defaultAnnotations.some(key => metadata?.annotations?.[key] === 'true')

const validateTerm = (term: Draft<TopologySelectorTerm>, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const keys = new Set<string>()
  const expressions = term.matchLabelExpressions ?? []
  for (const [i, { key = '', values = [] }] of expressions.entries()) {
    const at = `${path}.matchLabelExpressions[${i}]`
    if (values.length === 0) errors.push(required(`${at}.values`))
    values.forEach((value, j) => {
      if (values.indexOf(value) < j) errors.push(duplicate(`${at}.values[${j}]`, value))
    })
    errors.push(...invalidEach(`${at}.key`, key, qualifiedNameErrors(key)))
    if (keys.has(key)) errors.push(duplicate(`${at}.key`, key))
    keys.add(key)
  }
  return errors
}

const validateTopologies = (terms: Draft<TopologySelectorTerm>[] | undefined): FieldError[] =>
  (terms ?? []).flatMap((term, i, all) => {
    const at = `allowedTopologies[${i}]`
    const errors = validateTerm(term, at)
    // To upstream a term that asks nothing is one that it has seen already.
    const asksNothing = (term.matchLabelExpressions ?? []).length === 0
    const repeated = asksNothing || all.slice(0, i).some(earlier => isDeepStrictEqual(earlier, term))
    return repeated ? [...errors, duplicate(`${at}.matchLabelExpressions`, '')] : errors
  })

const bindingModes = ['Immediate', 'WaitForFirstConsumer']

const validate = (row: Draft<StorageClass>): FieldError[] => {
  const { reclaimPolicy } = row
  const policies = ['Delete', 'Retain']
  const errors = validateProvisioner(row.provisioner, 'provisioner')
  errors.push(...validateParameters(row.parameters, { path: 'parameters', mayBeEmpty: true }))
  if (reclaimPolicy && !policies.includes(reclaimPolicy))
    errors.push(notSupported('reclaimPolicy', reclaimPolicy, policies))
  const { volumeBindingMode: mode } = row
  if (mode === undefined) errors.push(required('volumeBindingMode'))
  else if (!bindingModes.includes(mode)) errors.push(notSupported('volumeBindingMode', mode, bindingModes))
  return [...errors, ...validateTopologies(row.allowedTopologies)]
}

const validateUpdate = (row: Draft<StorageClass>, old: Draft<StorageClass>): FieldError[] => {
  const errors: FieldError[] = []
  for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const)
    if (!isDeepStrictEqual(row[field] ?? {}, old[field] ?? {}))
      errors.push(forbidden(field, `updates to ${field} are forbidden.`))
  if (row.volumeBindingMode !== old.volumeBindingMode)
    errors.push(invalid('volumeBindingMode', row.volumeBindingMode, immutableMessage))
  return errors
}

export const storageClassKind: Kind = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.storage.v1.StorageClass',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  setDefaults: object => {
    const row = draftOf<StorageClass>(object)
    row.reclaimPolicy ??= 'Delete'
    row.volumeBindingMode ??= 'Immediate'
  },
  validate: object => validate(draftOf<StorageClass>(object)),
  validateUpdate: (object, old) => validateUpdate(draftOf<StorageClass>(object), draftOf<StorageClass>(old)),
  columns: [
    {
      ...nameColumn,
      cell: object => {
        const name = object.metadata?.name ?? ''
        return isDefaultClass(draftOf<StorageClass>(object)) ? `${name} (default)` : name
      },
    },
    column<StorageClass>('Provisioner', 'Who makes its volumes.', o => o.provisioner ?? ''),
    column<StorageClass>('ReclaimPolicy', 'What becomes of a volume nobody claims.', o => o.reclaimPolicy ?? 'Delete'),
    column<StorageClass>('VolumeBindingMode', 'When its volumes are made.', o => o.volumeBindingMode ?? '<unset>'),
    column<StorageClass>('AllowVolumeExpansion', 'Whether its volumes may grow.', o => o.allowVolumeExpansion ?? false),
    ageColumn,
  ],
}
