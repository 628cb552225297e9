import { isDeepStrictEqual } from 'node:util'
import type { ConfigMap } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, invalidEach, tooLong } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { configKeyErrors } from './name-syntax.ts'

const maxBytes = 1024 * 1024

const validate = ({ data = {}, binaryData = {} }: Draft<ConfigMap>): FieldError[] => {
  const errors: FieldError[] = []
  let bytes = 0
  for (const key in data) {
    errors.push(...invalidEach(`data[${key}]`, key, configKeyErrors(key)))
    if (binaryData && Object.hasOwn(binaryData, key))
      errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
    bytes += Buffer.byteLength(data[key] ?? '')
  }
  for (const key in binaryData) {
    errors.push(...invalidEach(`binaryData[${key}]`, key, configKeyErrors(key)))
    bytes += Buffer.byteLength(binaryData[key] ?? '', 'base64')
  }
  if (bytes > maxBytes) errors.push(tooLong('', maxBytes))
  return errors
}

const validateUpdate = (next: Draft<ConfigMap>, old: Draft<ConfigMap>): FieldError[] => {
  if (old.immutable !== true) return []
  const errors: FieldError[] = []
  if (next.immutable !== true) errors.push(forbidden('immutable', 'field is immutable when `immutable` is set'))
  for (const field of ['data', 'binaryData'] as const)
    if (!isDeepStrictEqual(next[field] ?? {}, old[field] ?? {}))
      errors.push(forbidden(field, 'field is immutable when `immutable` is set'))
  return errors
}

export const configMapKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.ConfigMap',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  validate: object => validate(draftOf<ConfigMap>(object)),
  validateUpdate: (object, old) => validateUpdate(draftOf<ConfigMap>(object), draftOf<ConfigMap>(old)),
  columns: [
    nameColumn,
    column<ConfigMap>(
      'Data',
      'The number of its keys.',
      o => Object.keys(o.data ?? {}).length + Object.keys(o.binaryData ?? {}).length,
    ),
    ageColumn,
  ],
}
