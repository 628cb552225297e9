import type { UnknownObject } from '../../../kube/object.ts'
import { equalJson } from '../../../kube/patch/json-value.ts'
import { StoredEntry } from '../store/stored-entry.ts'
import type { CustomType, Decoded } from '../kinds/custom-type.ts'
import type { FieldError, Kind } from '../kinds/kind.ts'
import { type Converter } from './conversion.ts'
import { customColumns } from './custom-columns.ts'
import { customScale } from './custom-scale.ts'
import { type CustomResourceDefinition, type DefinitionVersion, isNamespaced, storageVersionOf } from './definition.ts'
import { refuseWhileTerminating } from './definition-defaults.ts'
import { setDefaultValues } from './default-values.ts'
import { fieldNames, parseJsonPath } from './json-path.ts'
import type { JsonSchema } from './json-schema.ts'
import { checkUniqueness } from './list-uniqueness.ts'
import { pruneFields } from './prune-fields.ts'
import { definitionName, publishedDefinitions } from './publish-schema.ts'
import { coerceMetadata, embeddedErrors, visitEmbedded } from './resource-metadata.ts'
import { ruleErrors } from './rule-evaluation.ts'
import { type CompiledRules, compileRules } from './rules.ts'
import { typeSchemaOf } from './type-schema.ts'
import { validateValue } from './validate-value.ts'
import { hasRules } from './validate-schema.ts'

/** What a kind asks while it is served. */
export interface CustomServices {
  converter: Converter
  /** The definition is being deleted: nothing new is created. */
  isTerminating(): boolean
}

const noRules: CompiledRules = new Map()

const decode = (object: UnknownObject, schema: JsonSchema): Decoded => {
  const unknown: string[] = []
  const { wrong, unknown: own } = coerceMetadata(object, '')
  unknown.push(...own)
  let embeddedWrong: string | undefined
  visitEmbedded(object, schema, (resource, path) => {
    const found = coerceMetadata(resource, path)
    unknown.push(...found.unknown)
    embeddedWrong ??= found.wrong
  })
  unknown.push(...pruneFields(object, schema))
  const findings = unknown.sort().map(field => `unknown field "${field}"`)
  const why = wrong ?? embeddedWrong
  return why === undefined ? { findings } : { findings, wrong: why }
}

/** The kinds of errors that leave rules nothing to work on. */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid',
]) // prettier-ignore

const notChecked: FieldError = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
}

/** Everything the schema says of an object; `old`: what it was before. */
const validate = (
  object: UnknownObject,
  old: UnknownObject | undefined,
  { schema, rules }: { schema: JsonSchema; rules: CompiledRules },
): FieldError[] => {
  const errors = [
    ...validateValue(object, schema, { path: '', old }),
    ...embeddedErrors(object, schema),
    ...checkUniqueness(object, schema, '', old),
  ]
  if (rules.size === 0) return errors
  if (errors.some(({ reason }) => blocking.has(reason))) return [...errors, notChecked]
  return [...errors, ...ruleErrors(object, schema, { rules, old })]
}

/** The spec is everything but the metadata, and the status where that has an endpoint of its own. */
const specOf = (object: UnknownObject, hasStatus: boolean): UnknownObject => {
  const { metadata: _, status, apiVersion: __, ...rest } = object
  return hasStatus || status === undefined ? rest : { ...rest, status }
}

const selectableFields = (version: DefinitionVersion): Kind['selectableFields'] => {
  const fields = (version.selectableFields ?? []).flatMap(({ jsonPath = '' }) => {
    const names = fieldNames(jsonPath)
    if (names === undefined) return []
    const path = parseJsonPath(jsonPath)
    const get = (object: UnknownObject): string => {
      const [value] = path.find(object)
      return value === undefined || value === null ? '' : String(value as string | number | boolean)
    }
    return [[names.join('.'), get] as const]
  })
  return Object.fromEntries(fields)
}

/** Stored objects as one version shows them; each is made once and kept as long as the stored one is. */
const storedViews = (apiVersion: string, schema: JsonSchema, converter: Converter): CustomType['fromStored'] => {
  const views = new WeakMap<StoredEntry, StoredEntry>()
  const show = (entry: StoredEntry, object: UnknownObject): StoredEntry => {
    pruneFields(object, schema)
    setDefaultValues(object, schema)
    // What needs no change is passed on as the bytes that are stored.
    const view = equalJson(object, entry.object) ? entry : new StoredEntry(entry.key, entry.revision, { object })
    // As the stored ones, kept as text.
    if (view !== entry) view.settle()
    views.set(entry, view)
    return view
  }
  const viewOf = (entry: StoredEntry): StoredEntry => views.get(entry) ?? show(entry, entry.copy())
  return entries => {
    const foreign = entries.filter(entry => !views.has(entry) && entry.object.apiVersion !== apiVersion)
    if (foreign.length === 0) return entries.map(viewOf)
    const finish = (converted: readonly UnknownObject[]): StoredEntry[] => {
      foreign.forEach((entry, index) => {
        const object = converted[index]
        if (object !== undefined) show(entry, object)
      })
      return entries.map(viewOf)
    }
    const converted = converter.convert(
      foreign.map(entry => entry.object),
      apiVersion,
    )
    return converted instanceof Promise ? converted.then(finish) : finish(converted)
  }
}

const customType = (
  definition: CustomResourceDefinition,
  version: DefinitionVersion,
  converter: Converter,
): CustomType => {
  const { group = '', names = {} } = definition.spec ?? {}
  const { name = '', schema: { openAPIV3Schema: schema = {} } = {}, subresources } = version
  const hasStatus = subresources?.status !== undefined
  const apiVersion = `${group}/${name}`
  const storageVersion = storageVersionOf(definition) ?? name
  const storage = `${group}/${storageVersion}`
  const toStored: CustomType['toStored'] = object => {
    if (storage === apiVersion) return object
    const converted = converter.convert([object], storage)
    return converted instanceof Promise ? converted.then(([one]) => one ?? object) : (converted[0] ?? object)
  }
  const published = {
    group,
    version: name,
    kind: names.kind ?? '',
    listKind: names.listKind ?? `${names.kind ?? ''}List`,
    plural: names.plural ?? '',
    schema,
  }
  return {
    typeSchema: typeSchemaOf(schema, hasStatus),
    decode: object => decode(object, schema),
    raisesGeneration: (next, live) => !equalJson(specOf(next, hasStatus), specOf(live, hasStatus)),
    storageVersion,
    convertsRemotely: converter.isRemote,
    fromStored: storedViews(apiVersion, schema, converter),
    toStored,
    definitions: (dialect, textsOf) => publishedDefinitions(published, { dialect, textsOf }),
  }
}

const customKind = (
  definition: CustomResourceDefinition,
  version: DefinitionVersion,
  { converter, isTerminating }: CustomServices,
): Kind => {
  const { group = '' } = definition.spec ?? {}
  const names = definition.status?.acceptedNames ?? definition.spec?.names ?? {}
  const { name = '', schema: { openAPIV3Schema: schema = {} } = {}, subresources } = version
  const { kind = '', plural = '' } = names
  const judge = { schema, rules: hasRules(schema) ? compileRules(schema) : noRules }
  const hasStatus = subresources?.status !== undefined
  const selectable = selectableFields(version)
  return {
    group,
    version: name,
    kind,
    plural,
    singular: names.singular ?? kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: isNamespaced(definition),
    listKind: names.listKind ?? `${kind}List`,
    schema: definitionName({ group, version: name, kind }),
    custom: customType(definition, version, converter),
    ...(version.deprecated === true
      ? { deprecation: version.deprecationWarning ?? `${group}/${name} ${kind} is deprecated` }
      : {}),
    anyFinalizers: true,
    unconditionalUpdate: false,
    hasStatus,
    ...(subresources?.scale === undefined ? {} : { scale: customScale(subresources.scale) }),
    subresources: [],
    generationFields: ['spec'],
    setDefaults: object => setDefaultValues(object, schema),
    prepareForStatus: object => setDefaultValues(object, schema),
    prepareForCreate: object => {
      refuseWhileTerminating(isTerminating())
      if (hasStatus) delete object['status']
    },
    validate: object => validate(object, undefined, judge),
    validateUpdate: (object, old) => validate(object, old, judge),
    ...(selectable === undefined ? {} : { selectableFields: selectable }),
    columns: customColumns(version.additionalPrinterColumns),
  }
}

/** One row for each version that a definition serves. Rules must have been loaded where a schema has any. */
export const customKinds = (definition: CustomResourceDefinition, services: CustomServices): Kind[] =>
  (definition.spec?.versions ?? [])
    .filter(({ served }) => served === true)
    .map(version => customKind(definition, version, services))

/** The row of the storage version, served or not: what is left of a kind when its definition goes. */
export const storageKind = (definition: CustomResourceDefinition, services: CustomServices): Kind | undefined => {
  const storage = definition.spec?.versions?.find(version => version.storage === true)
  return storage === undefined ? undefined : customKind(definition, storage, services)
}
