import { equalJson } from '../../../kube/patch/json-value.ts'
import { duplicate, invalid, required, tooMany } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import type { DefinitionVersion, PrinterColumn, Subresources } from './definition.ts'
import { fieldNames, parseJsonPath } from './json-path.ts'
import { type JsonSchema, propertyOf } from './json-schema.ts'
import { schemaErrors } from './validate-schema.ts'

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const maxSelectableFields = 8

const jsonPathErrors = (path: string, text: string): FieldError[] => {
  if (!text.startsWith('.')) return [invalid(path, text, 'must be a simple json path starting with .')]
  try {
    parseJsonPath(text)
    return []
  } catch (error) {
    return [invalid(path, text, `is an invalid JSON path: ${error instanceof Error ? error.message : String(error)}`)]
  }
}

const columnErrors = (column: PrinterColumn, path: string): FieldError[] => {
  const { name = '', type = '', format = '', jsonPath = '' } = column
  const oneOf = (words: readonly string[]) => `must be one of ${words.join(',')}`
  return [
    ...(name === '' ? [required(`${path}.name`)] : []),
    ...(type === ''
      ? [required(`${path}.type`, oneOf(columnTypes))]
      : columnTypes.includes(type)
        ? []
        : [invalid(`${path}.type`, type, oneOf(columnTypes))]),
    ...(format === '' || columnFormats.includes(format)
      ? []
      : [invalid(`${path}.format`, format, oneOf(columnFormats))]),
    ...(jsonPath === '' ? [required(`${path}.JSONPath`)] : jsonPathErrors(`${path}.JSONPath`, jsonPath)),
  ]
}

const scalePathErrors = (path: string, text: string | undefined, roots: readonly string[]): FieldError[] => {
  if (text === undefined || text === '') return [required(path)]
  if (fieldNames(text) === undefined) return [invalid(path, text, 'must be a simple json path starting with .')]
  if (roots.some(root => text.startsWith(root))) return []
  const where = roots.map(root => root.slice(0, -1)).join(' or ')
  return [invalid(path, text, `should be a json path under ${roots.length > 1 ? `either ${where}` : where}`)]
}

const subresourceErrors = (subresources: Subresources | undefined, path: string): FieldError[] => {
  const scale = subresources?.scale
  if (scale === undefined) return []
  return [
    ...scalePathErrors(`${path}.scale.specReplicasPath`, scale.specReplicasPath, ['.spec.']),
    ...scalePathErrors(`${path}.scale.statusReplicasPath`, scale.statusReplicasPath, ['.status.']),
    ...(scale.labelSelectorPath === undefined || scale.labelSelectorPath === ''
      ? []
      : scalePathErrors(`${path}.scale.labelSelectorPath`, scale.labelSelectorPath, ['.spec.', '.status.'])),
  ]
}

/** The schema that a path of fields leads to. */
const schemaAt = (schema: JsonSchema, names: readonly string[]): JsonSchema | undefined =>
  names.reduce<JsonSchema | undefined>((at, name) => at && propertyOf(at, name), schema)

const selectableErrors = (version: DefinitionVersion, path: string): FieldError[] => {
  const fields = version.selectableFields ?? []
  const schema = version.schema?.openAPIV3Schema
  const seen = new Set<string>()
  const errors = fields.flatMap(({ jsonPath = '' }, i): FieldError[] => {
    const at = `${path}[${i}].jsonPath`
    if (jsonPath === '') return [required(at)]
    const names = fieldNames(jsonPath)
    const found = names === undefined || schema === undefined ? undefined : schemaAt(schema, names)
    if (names === undefined || (found === undefined && names[0] !== 'metadata'))
      return [invalid(at, jsonPath, `is an invalid path: does not refer to a valid field`)]
    const wrong: FieldError[] = []
    if (names[0] === 'metadata') wrong.push(invalid(at, jsonPath, 'must not point to fields in metadata'))
    if (!['string', 'boolean', 'integer'].includes(found?.type ?? ''))
      wrong.push(
        invalid(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      )
    if (seen.has(jsonPath)) wrong.push(duplicate(at, jsonPath))
    seen.add(jsonPath)
    return wrong
  })
  if (seen.size > maxSelectableFields) errors.push(tooMany(path, seen.size, maxSelectableFields))
  return errors
}

const deprecationErrors = ({ deprecated, deprecationWarning: text }: DefinitionVersion, path: string): FieldError[] => {
  if (text === undefined) return []
  const field = `${path}.deprecationWarning`
  const errors: FieldError[] = []
  if (deprecated !== true) return [invalid(field, text, 'can only be set for deprecated versions')]
  if (text.length > 256) errors.push(invalid(field, text, 'must be <= 256 characters long'))
  if (text === '') errors.push(invalid(field, text, 'must not be an empty string'))
  const at = Array.from(text).findIndex(character => /[\p{C}\p{Zl}\p{Zp}]/u.test(character))
  if (at >= 0)
    errors.push(
      invalid(
        field,
        text,
        `must only contain printable UTF-8 characters; non-printable character found at index ${at}`,
      ),
    )
  return errors
}

/** Upstream keeps what all versions have in common at the top of the spec, and names it there. */
const sharedBy = <T>(versions: readonly DefinitionVersion[], get: (version: DefinitionVersion) => T): boolean =>
  versions.every(version => equalJson(get(version), get(versions[0] ?? {})))

/** What is wrong with the versions one by one; `old`: those of the definition that is being changed. */
export const versionErrors = (
  versions: readonly DefinitionVersion[],
  old: readonly DefinitionVersion[] | undefined,
): FieldError[] => {
  const path = (i: number) => `spec.versions[${i}]`
  const each = <T>(
    get: (version: DefinitionVersion) => T,
    shared: string,
    own: string,
    check: (version: DefinitionVersion, path: string) => FieldError[],
  ): FieldError[] => {
    const [first] = versions
    if (first === undefined) return []
    return sharedBy(versions, get)
      ? check(first, shared)
      : versions.flatMap((version, i) => check(version, `${path(i)}.${own}`))
  }
  const schemaUnchanged = (version: DefinitionVersion): boolean =>
    old?.some(other => other.name === version.name && equalJson(other.schema, version.schema)) === true
  return [
    ...versions.flatMap((version, i) =>
      version.schema?.openAPIV3Schema === undefined
        ? [required(`${path(i)}.schema.openAPIV3Schema`, 'schemas are required')]
        : [],
    ),
    ...versions.flatMap((version, i) => deprecationErrors(version, path(i))),
    ...each(
      version => version.schema,
      'spec.validation',
      'schema',
      (version, at) =>
        schemaErrors(version.schema?.openAPIV3Schema, `${at}.openAPIV3Schema`, {
          hasStatus: version.subresources?.status !== undefined,
          unchanged: schemaUnchanged(version),
        }),
    ),
    ...each(
      version => version.subresources,
      'spec.subresources',
      'subresources',
      (version, at) => subresourceErrors(version.subresources, at),
    ),
    ...each(
      version => version.additionalPrinterColumns,
      'spec.additionalPrinterColumns',
      'additionalPrinterColumns',
      (version, at) =>
        (version.additionalPrinterColumns ?? []).flatMap((column, i) => columnErrors(column, `${at}[${i}]`)),
    ),
    ...each(
      version => version.selectableFields,
      'spec.selectableFields',
      'selectableFields',
      (version, at) => selectableErrors(version, at),
    ),
  ]
}
