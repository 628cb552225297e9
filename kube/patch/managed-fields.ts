import { compareFields, createdFields, type LeftOut } from './field-ownership.ts'
import { difference, emptySet, intersection, isEmptySet, parseFieldSet, union, without } from './field-set.ts'
import { equalJson, isJsonObject, type JsonObject } from './json-value.ts'
import type { KubeObject, ManagedFieldsEntry } from '../object.ts'
import type { FieldSet } from './field-set.ts'
import type { TypeSchema } from './schema.ts'

/** One manager of an object: who wrote, how, through which version and subresource, and what is theirs. */
export interface Owner {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string | undefined
  readonly fields: FieldSet
}

/** Fields the system keeps: nobody owns them. (Upstream's stripMeta.) */
const systemFields = {
  fields: ['apiVersion', 'kind'],
  metadata: [
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'generation',
    'managedFields',
    'resourceVersion',
  ],
} as const

const systemPaths: readonly (readonly string[])[] = [
  ...systemFields.fields.map(field => [`f:${field}`]),
  ...systemFields.metadata.map(field => ['f:metadata', `f:${field}`]),
]

/** A write to the object leaves its status alone, a write to its status the spec: so upstream's kinds reset fields. */
export const ignoredFields = (subresource: string, schema: TypeSchema): readonly string[] => {
  if (schema.fields === undefined) return []
  if (subresource === '') return schema.ownsStatus === true ? [] : ['status']
  return subresource === 'status' ? ['spec'] : []
}

/** The set without what the system keeps and what this endpoint does not write. */
export const ownable = (set: FieldSet, subresource: string, schema: TypeSchema): FieldSet => {
  const ignored = ignoredFields(subresource, schema)
  const rest = without(set, [...systemPaths, ...ignored.map(field => [`f:${field}`])])
  const metadata = rest['f:metadata']
  // `metadata` itself is always there and nobody's: a bare leaf or a `.` would claim it.
  if (metadata === undefined || !(isEmptySet(metadata) || Object.hasOwn(metadata, '.'))) return rest
  return isEmptySet(metadata) ? without(rest, [['f:metadata']]) : { ...rest, 'f:metadata': without(metadata, [['.']]) }
}

const leftOutMetadata: ReadonlySet<string> = new Set(systemFields.metadata)
const leftOut: Readonly<Record<string, LeftOut>> = Object.fromEntries(
  ['', 'status', 'spec'].map(ignored => [
    ignored,
    { fields: new Set([...systemFields.fields, ignored]), metadata: leftOutMetadata },
  ]),
)

/** What a new object's maker owns: `ownable` of everything in it, without putting aside first what is taken away again. */
const ownedByMaker = (object: KubeObject, subresource: string, schema: TypeSchema): FieldSet => {
  const [ignored = ''] = ignoredFields(subresource, schema)
  const left = leftOut[ignored]
  return left === undefined ? emptySet : createdFields(object as JsonObject, schema, left)
}

/** RFC 3339 with whole seconds, as meta/v1 Time is written. */
export const timestampOf = (nowMs: number): string => new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z')

/** Entries of a stored object were checked when they were written; reading them again would cost every write. */
type Trust = 'stored' | 'requested'

const ownerOf = (entry: ManagedFieldsEntry, trust: Trust): Owner | undefined => {
  const { fieldsV1 = {} } = entry
  const fields = trust === 'stored' ? (fieldsV1 as FieldSet) : parseFieldSet(fieldsV1)
  if (fields === undefined || (entry.operation !== 'Apply' && entry.operation !== 'Update')) return undefined
  return {
    manager: entry.manager ?? '',
    operation: entry.operation,
    apiVersion: entry.apiVersion ?? '',
    subresource: entry.subresource ?? '',
    time: entry.time,
    fields,
  }
}

/** The owners an object names; undefined when it names none or something unreadable stands there. */
export const readOwners = (object: KubeObject | undefined, trust: Trust): Owner[] | undefined => {
  const entries = object?.metadata?.managedFields
  if (!Array.isArray(entries) || entries.length === 0) return undefined
  const owners = entries.map(entry => (isJsonObject(entry) ? ownerOf(entry, trust) : undefined))
  return owners.every(owner => owner !== undefined) ? owners : undefined
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Upstream's order: applies first, then by time, manager, version and subresource. */
const compareOwners = (a: Owner, b: Owner): number =>
  compareText(a.operation, b.operation) ||
  compareText(a.time ?? '', b.time ?? '') ||
  compareText(a.manager, b.manager) ||
  compareText(a.apiVersion, b.apiVersion) ||
  compareText(a.subresource, b.subresource)

export const writeOwners = (owners: readonly Owner[]): ManagedFieldsEntry[] =>
  owners
    .filter(owner => !isEmptySet(owner.fields))
    .sort(compareOwners)
    .map(owner => ({
      manager: owner.manager,
      operation: owner.operation,
      apiVersion: owner.apiVersion,
      ...(owner.time === undefined ? {} : { time: owner.time }),
      fieldsType: 'FieldsV1',
      fieldsV1: owner.fields,
      ...(owner.subresource === '' ? {} : { subresource: owner.subresource }),
    }))

/** The same manager: an applier is one whatever version it applies through. */
export const sameOwner = (a: Omit<Owner, 'time' | 'fields'>, b: Omit<Owner, 'time' | 'fields'>): boolean =>
  a.manager === b.manager &&
  a.operation === b.operation &&
  a.subresource === b.subresource &&
  (a.operation === 'Apply' || a.apiVersion === b.apiVersion)

const maxUpdateManagers = 10

/** Past ten updaters the oldest are merged into one a version, so that an object does not grow without bound. */
const capOwners = (owners: Owner[]): Owner[] => {
  const updaters = owners.filter(owner => owner.operation === 'Update').sort(compareOwners)
  if (updaters.length <= maxUpdateManagers) return owners
  const kept = owners.filter(owner => owner.operation === 'Apply')
  const buckets = new Map<string, Owner>()
  let count = updaters.length
  for (const owner of updaters) {
    if (count + buckets.size <= maxUpdateManagers && owner.manager !== 'ancient-changes') {
      kept.push(owner)
      continue
    }
    const bucket = buckets.get(owner.apiVersion)
    const fields = bucket === undefined ? owner.fields : union(bucket.fields, owner.fields)
    buckets.set(owner.apiVersion, { ...owner, manager: 'ancient-changes', subresource: '', fields })
    count--
  }
  return [...kept, ...buckets.values()]
}

export interface Write {
  /** Undefined: the object is being created. */
  before?: KubeObject | undefined
  after: KubeObject
  /** The `fieldManager` of the request, or the first part of its User-Agent. */
  manager: string
  operation: 'Update'
  subresource?: string | undefined
  apiVersion: string
  schema: TypeSchema
  /** Milliseconds since the epoch. */
  now: number
}

/** A request may set managedFields itself (kubectl migrates them so); `[{}]` resets them; none means: as they were. */
const requestedOwners = ({ before, after, subresource }: Write): Owner[] => {
  const live = () => readOwners(before, 'stored') ?? []
  const stored = before?.metadata?.managedFields
  const requested = after.metadata?.managedFields
  if (requested === stored || (subresource ?? '') !== '' || equalJson(requested, stored)) return live()
  if (Array.isArray(requested) && requested.length === 1 && equalJson(requested[0], {})) return []
  return readOwners(after, 'requested') ?? live()
}

/**
 * The managedFields of `after`: its writer owns what it changed, nobody else does any more, and what was removed is
 * nobody's. An update that changes nothing leaves the entries and their times as they are.
 */
export const recordManager = (write: Write): ManagedFieldsEntry[] => {
  const { before, after, manager, apiVersion, schema } = write
  const subresource = write.subresource ?? ''
  const owners = requestedOwners(write)
  // Once nobody owns anything (a request reset it), updates are not tracked until the next server-side apply.
  if (owners.length === 0 && (before?.metadata?.uid ?? '') !== '') return []
  if (before === undefined && owners.length === 0)
    return writeOwners([
      {
        manager,
        operation: 'Update',
        apiVersion,
        subresource,
        time: timestampOf(write.now),
        fields: ownedByMaker(after, subresource, schema),
      },
    ])
  const comparison = compareFields(before, after, schema)
  const changed = ownable(comparison.changed, subresource, schema)
  const removed = ownable(comparison.removed, subresource, schema)
  const unchanged = isEmptySet(changed) && isEmptySet(removed)
  const written = before?.metadata?.managedFields
  if (unchanged && written !== undefined && after.metadata?.managedFields === written) return written
  const self = { manager, operation: 'Update', apiVersion, subresource } as const
  const gone = union(changed, removed)
  let found = false
  const next = owners.map(owner => {
    if (!sameOwner(owner, self)) return { ...owner, fields: difference(owner.fields, gone) }
    found = true
    const fields = union(difference(owner.fields, removed), changed)
    return { ...owner, fields, time: isEmptySet(changed) ? owner.time : timestampOf(write.now) }
  })
  if (!found && !isEmptySet(changed)) next.push({ ...self, time: timestampOf(write.now), fields: changed })
  const entries = writeOwners(capOwners(next))
  return written !== undefined && equalJson(entries, written) ? written : entries
}

/** What an owner has in common with a set, or undefined. */
export const sharedFields = (owner: Owner, set: FieldSet): FieldSet | undefined => {
  const shared = intersection(owner.fields, set)
  return isEmptySet(shared) ? undefined : shared
}
