import { readFileSync } from 'node:fs'
import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { SkiffError } from '../../../kube/errors.ts'

/** A scalar's name in schemas.json. */
export type ScalarName =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  | 'byte'
  | 'time'
  | 'microtime'
  | 'quantity'
  | 'intstr'
  | 'any'

export type TypeRow =
  | { kind: 'scalar'; name: ScalarName }
  | { kind: 'list'; of: TypeRow }
  | { kind: 'map'; of: TypeRow }
  | { kind: 'ref'; definition: string }

export interface FieldRow {
  type: TypeRow
  /** The facts of list-facts.ts: `map(name)`, `merge(name)`, `there`, … */
  facts: readonly string[]
}

/** One OpenAPI definition as derived at build time. */
export interface DefinitionRow {
  fields: ReadonlyMap<string, FieldRow>
  required: readonly string[]
  atomic: boolean
}

const scalarNames: ReadonlySet<string> = new Set<ScalarName>([
  'string',
  'boolean',
  'int32',
  'int64',
  'double',
  'byte',
  'time',
  'microtime',
  'quantity',
  'intstr',
  'any',
])
const isScalarName = (text: string): text is ScalarName => scalarNames.has(text)

const parseType = (text: string): TypeRow => {
  if (text.startsWith('[')) return { kind: 'list', of: parseType(text.slice(1)) }
  if (text.startsWith('{')) return { kind: 'map', of: parseType(text.slice(1)) }
  if (text.startsWith('#')) return { kind: 'ref', definition: text.slice(1) }
  if (isScalarName(text)) return { kind: 'scalar', name: text }
  throw new SkiffError('CORRUPT', `schemas.json: unknown type ${JSON.stringify(text)}`, { remedy: 'run npm run build' })
}

const parseField = (text: string): FieldRow => {
  const [type = '', ...facts] = text.split(' ')
  return { type: parseType(type), facts }
}

/** Reads one of the two files that scripts/derive-schemas.mjs writes beside this module: definition -> JSON text. */
const readTable = (name: string): ReadonlyMap<string, string> => {
  const file = new URL(`./${name}`, import.meta.url)
  try {
    const table: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (!isJsonObject(table)) throw new SkiffError('CORRUPT', `${name} is no table`)
    return new Map(Object.entries(table).map(([definition, row]) => [definition, String(row)]))
  } catch (error) {
    throw new SkiffError('CORRUPT', `the API's schemas cannot be read: ${name}`, {
      cause: error,
      remedy: 'run npm run build',
    })
  }
}

let rows: ReadonlyMap<string, string> | undefined

/** Every definition there is, by its OpenAPI name. The rows stay text until they are asked for. */
const rowTexts = (): ReadonlyMap<string, string> => (rows ??= readTable('schemas.json'))

export const isDefinition = (definition: string): boolean => rowTexts().has(definition)

/** Throws SkiffError NOT_FOUND for a definition the build did not derive. */
export const readDefinition = (definition: string): DefinitionRow => {
  const text = rowTexts().get(definition)
  if (text === undefined) throw new SkiffError('NOT_FOUND', `no schema is known for ${definition}`)
  const row: unknown = JSON.parse(text)
  const fields = isJsonObject(row) && isJsonObject(row['f']) ? row['f'] : {}
  const required = isJsonObject(row) && Array.isArray(row['r']) ? row['r'].map(String) : []
  return {
    fields: new Map(Object.entries(fields).map(([name, field]) => [name, parseField(String(field))])),
    required,
    atomic: isJsonObject(row) && row['m'] === 'atomic',
  }
}

export interface DefinitionTexts {
  text: string
  field(name: string): string | undefined
}

/**
 * The documentation texts. They are large and wanted only while an OpenAPI document is made, so each call reads the
 * file anew and nothing is kept.
 */
export const readTexts = (): ((definition: string) => DefinitionTexts) => {
  const table = readTable('texts.json')
  return definition => {
    const row: unknown = JSON.parse(table.get(definition) ?? '{}')
    const fields = isJsonObject(row) && isJsonObject(row['f']) ? row['f'] : {}
    const field = (name: string): string | undefined => (Object.hasOwn(fields, name) ? String(fields[name]) : undefined)
    return { text: isJsonObject(row) ? String(row['t'] ?? '') : '', field }
  }
}
