import { readDefinition } from './schema-row.ts'
import { anySchema } from '../../../kube/patch/schema.ts'
import type { PatchStrategy, TypeSchema } from '../../../kube/patch/schema.ts'
import type { DefinitionRow, FieldRow, ScalarName, TypeRow } from './schema-row.ts'

const scalarSchemas: Readonly<Record<ScalarName, TypeSchema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  byte: { type: 'string', format: 'byte' },
  time: { type: 'string', format: 'date-time' },
  microtime: { type: 'string', format: 'date-time-micro' },
  quantity: { type: 'string', format: 'quantity' },
  intstr: { type: 'string', format: 'int-or-string' },
  any: anySchema,
}

type Facts = Pick<TypeSchema, 'listKind' | 'listKeys' | 'mapKind' | 'patchStrategy' | 'patchMergeKey' | 'alwaysPresent'>

const strategies: readonly string[] = ['merge', 'replace', 'retainKeys']

const argumentOf = (facts: readonly string[], word: string): string | undefined =>
  facts.find(fact => fact.startsWith(`${word}(`))?.slice(word.length + 1, -1)

/** A list that says nothing of its kind takes it from its patch strategy, as structured-merge-diff reads OpenAPI. */
const listFactsOf = (facts: readonly string[], key: string | undefined): Pick<Facts, 'listKind' | 'listKeys'> => {
  const keys = argumentOf(facts, 'map')
  if (keys !== undefined) return { listKind: 'map', listKeys: keys.split('+').sort() }
  if (facts.includes('set')) return { listKind: 'set' }
  if (facts.includes('atomic')) return { listKind: 'atomic' }
  if (key !== undefined) return { listKind: 'map', listKeys: [key] }
  return { listKind: facts.includes('merge') ? 'set' : 'atomic' }
}

const readFacts = ({ type, facts }: FieldRow): Facts => {
  const patchMergeKey = argumentOf(facts, 'merge')
  const patchStrategy = facts
    .map(fact => fact.replace(/\(.*/, ''))
    .filter((fact): fact is PatchStrategy => strategies.includes(fact))
  return {
    ...(type.kind === 'list' ? listFactsOf(facts, patchMergeKey) : {}),
    ...(type.kind !== 'list' && facts.includes('atomic') ? { mapKind: 'atomic' } : {}),
    ...(facts.includes('granular') ? { mapKind: 'granular' } : {}),
    ...(patchStrategy.length > 0 ? { patchStrategy } : {}),
    ...(patchMergeKey === undefined ? {} : { patchMergeKey }),
    ...(facts.includes('there') ? { alwaysPresent: true } : {}),
  }
}

/** The defaults of an item's key fields: they count where an item leaves its key out. */
const keyDefaultsOf = (item: TypeRow, keys: readonly string[]): TypeSchema['keyDefaults'] => {
  if (item.kind !== 'ref') return undefined
  const { fields } = readDefinition(item.definition)
  const defaults = keys.flatMap(key => {
    const text = argumentOf(fields.get(key)?.facts ?? [], 'default')
    const value: unknown = text === undefined ? undefined : JSON.parse(text)
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [[key, value] as const]
      : []
  })
  return defaults.length === 0 ? undefined : Object.fromEntries(defaults)
}

/** A definition's schema; what is in it is read when somebody looks. */
class DefinitionSchema implements TypeSchema {
  readonly type = 'object'
  readonly definition: string
  #row: DefinitionRow | undefined
  #fields: ReadonlyMap<string, TypeSchema> | undefined
  constructor(definition: string) {
    this.definition = definition
  }
  get row(): DefinitionRow {
    return (this.#row ??= readDefinition(this.definition))
  }
  get fields(): ReadonlyMap<string, TypeSchema> {
    return (this.#fields ??= new Map([...this.row.fields].map(([name, row]) => [name, schemaOfField(row)])))
  }
  get required(): readonly string[] {
    return this.row.required
  }
  get mapKind(): 'atomic' | undefined {
    return this.row.atomic ? 'atomic' : undefined
  }
}

/** A definition as one field uses it: the facts are the field's, the rest the definition's. */
class ReferenceSchema implements TypeSchema {
  readonly type = 'object'
  readonly #target: TypeSchema
  readonly #facts: Facts
  constructor(target: TypeSchema, facts: Facts) {
    this.#target = target
    this.#facts = facts
  }
  get definition(): string | undefined {
    return this.#target.definition
  }
  get fields(): ReadonlyMap<string, TypeSchema> | undefined {
    return this.#target.fields
  }
  get required(): readonly string[] | undefined {
    return this.#target.required
  }
  get mapKind(): 'atomic' | 'granular' | undefined {
    return this.#facts.mapKind ?? this.#target.mapKind
  }
  get patchStrategy(): readonly PatchStrategy[] | undefined {
    return this.#facts.patchStrategy
  }
  get alwaysPresent(): boolean | undefined {
    return this.#facts.alwaysPresent
  }
}

const schemaOfType = (type: TypeRow): TypeSchema => {
  switch (type.kind) {
    case 'scalar':
      return scalarSchemas[type.name]
    case 'list':
      return { type: 'list', listKind: 'atomic', items: schemaOfType(type.of) }
    case 'map':
      return { type: 'map', values: schemaOfType(type.of) }
    case 'ref':
      return schemaOf(type.definition)
  }
}

const schemaOfField = (row: FieldRow): TypeSchema => {
  const base = schemaOfType(row.type)
  if (row.type.kind === 'list') {
    const facts = readFacts(row)
    const keyDefaults = facts.listKeys === undefined ? undefined : keyDefaultsOf(row.type.of, facts.listKeys)
    return { ...base, ...facts, ...(keyDefaults === undefined ? {} : { keyDefaults }) }
  }
  if (row.facts.length === 0) return base
  return row.type.kind === 'ref' ? new ReferenceSchema(base, readFacts(row)) : { ...base, ...readFacts(row) }
}

const known = new Map<string, TypeSchema>()

/**
 * The schema of an OpenAPI definition: `schemaOf('io.k8s.api.core.v1.Pod')`. The same object each time; definitions may
 * refer to themselves. Its parts throw SkiffError NOT_FOUND when the build derived no such definition.
 */
export const schemaOf = (definition: string): TypeSchema => {
  let schema = known.get(definition)
  if (schema === undefined) known.set(definition, (schema = new DefinitionSchema(definition)))
  return schema
}
