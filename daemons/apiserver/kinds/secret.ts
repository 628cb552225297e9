import { isDeepStrictEqual } from 'node:util'
import type { Secret } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import { jsonSyntaxError } from '../../../kube/json-syntax.ts'
import type { Draft } from './draft.ts'
import { forbidden, immutableMessage, invalid, invalidEach, required, tooLong } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { configKeyErrors } from './name-syntax.ts'

const maxBytes = 1024 * 1024

/** The keys that a Secret of a well-known type must carry. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

const setDefaults = (secret: Draft<Secret>): void => {
  secret.type ||= 'Opaque'
  if (!secret.stringData) return
  // stringData is a write-only convenience: it is stored, and read back, as data.
  for (const [key, text] of Object.entries(secret.stringData))
    (secret.data ??= {})[key] = Buffer.from(text ?? '').toString('base64')
  delete secret.stringData
}

/** Upstream never filled in the `%s` of some of these paths. */
const validateType = ({ type = '', data, metadata }: Draft<Secret>): FieldError[] => {
  const errors: FieldError[] = []
  for (const key of requiredKeys[type] ?? []) {
    const value = data?.[key]
    if (value === undefined) errors.push(required(`data[${key}]`))
    else if (type.startsWith('kubernetes.io/docker')) {
      const wrong = jsonSyntaxError(Buffer.from(value, 'base64'))
      if (wrong !== undefined) errors.push(invalid(`data[${key}]`, '<secret contents redacted>', wrong))
    }
  }
  if (type === 'kubernetes.io/basic-auth' && data?.['username'] === undefined && data?.['password'] === undefined) {
    errors.push(required('data[%s][username]'), required('data[%s][password]'))
  }
  if (type === 'kubernetes.io/ssh-auth' && !data?.['ssh-privatekey']) errors.push(required('data[%s][ssh-privatekey]'))
  if (type === 'kubernetes.io/service-account-token' && !metadata?.annotations?.['kubernetes.io/service-account.name'])
    errors.push(required('metadata.annotations[kubernetes.io/service-account.name]'))
  return errors
}

const validate = (secret: Draft<Secret>): FieldError[] => {
  const errors: FieldError[] = []
  let bytes = 0
  for (const key in secret.data) {
    errors.push(...invalidEach(`data[${key}]`, key, configKeyErrors(key)))
    bytes += Buffer.byteLength(secret.data[key] ?? '', 'base64')
  }
  if (bytes > maxBytes) errors.push(tooLong('data', maxBytes))
  errors.push(...validateType(secret))
  return errors
}

const validateUpdate = (next: Draft<Secret>, old: Draft<Secret>): FieldError[] => {
  const errors: FieldError[] = []
  if (next.type !== old.type) errors.push(invalid('type', next.type, immutableMessage))
  if (old.immutable !== true) return errors
  if (next.immutable !== true) errors.push(forbidden('immutable', 'field is immutable when `immutable` is set'))
  if (!isDeepStrictEqual(next.data ?? {}, old.data ?? {}))
    errors.push(forbidden('data', 'field is immutable when `immutable` is set'))
  return errors
}

export const secretKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Secret',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  setDefaults: object => setDefaults(draftOf<Secret>(object)),
  validate: object => validate(draftOf<Secret>(object)),
  validateUpdate: (object, old) => validateUpdate(draftOf<Secret>(object), draftOf<Secret>(old)),
  selectableFields: { type: object => draftOf<Secret>(object).type ?? '' },
  columns: [
    nameColumn,
    column<Secret>('Type', 'What reads it.', o => o.type ?? ''),
    column<Secret>('Data', 'The number of its keys.', o => Object.keys(o.data ?? {}).length),
    ageColumn,
  ],
}
