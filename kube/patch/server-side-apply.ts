import { apiError } from '../status.ts'
import { mergeApplied, pruneUnowned } from './apply-merge.ts'
import { compareFields, fieldSetOf } from './field-ownership.ts'
import { difference, emptySet, isEmptySet, pathsOf, union } from './field-set.ts'
import { cloneJson, equalJson, isJsonObject } from './json-value.ts'
import {
  ignoredFields,
  ownable,
  readOwners,
  sameOwner,
  sharedFields,
  timestampOf,
  writeOwners,
} from './managed-fields.ts'
import type { KubeObject, ManagedFieldsEntry, UnknownObject } from '../object.ts'
import type { ApiError, StatusCause } from '../status.ts'
import type { FieldSet } from './field-set.ts'
import type { Owner } from './managed-fields.ts'
import type { TypeSchema } from './schema.ts'

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

export interface Apply {
  /** Undefined: the object is created. */
  live?: UnknownObject | undefined
  applied: UnknownObject
  manager: string
  /** Take over what others own. */
  force: boolean
  subresource?: string | undefined
  apiVersion: string
  schema: TypeSchema
  /** Milliseconds since the epoch. */
  now: number
}

interface Conflict {
  owner: Owner
  fields: FieldSet
}

/** `"kubectl-edit" with subresource "status" using apps/v1 at 2026-01-01T00:00:00Z` */
const nameOf = (owner: Owner): string => {
  const name = `${JSON.stringify(owner.manager)}${owner.subresource === '' ? '' : ` with subresource ${JSON.stringify(owner.subresource)}`}`
  return owner.operation === 'Update' ? `${name} using ${owner.apiVersion}` : name
}

const conflictError = (conflicts: readonly Conflict[]): ApiError => {
  const rows = conflicts.flatMap(({ owner, fields }) => pathsOf(fields).map(path => ({ name: nameOf(owner), path })))
  const causes: StatusCause[] = rows.map(({ name, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${name}`,
    field: path,
  }))
  const [first] = rows
  if (rows.length === 1 && first !== undefined)
    return apiError('Conflict', `Apply failed with 1 conflict: conflict with ${first.name}: ${first.path}`, { causes })
  const groups = [...new Set(rows.map(row => row.name))].sort().map(name => {
    const paths = rows.filter(row => row.name === name).map(row => `\n- ${row.path}`)
    return `conflicts with ${name}:${paths.join('')}`
  })
  return apiError('Conflict', `Apply failed with ${rows.length} conflicts: ${groups.join('\n')}`, { causes })
}

/** Removes what this endpoint does not write: status from the object, spec from a write to its status. */
const appliedPart = ({ applied, subresource, schema }: Apply): UnknownObject => {
  const ignored = ignoredFields(subresource ?? '', schema)
  const result = cloneJson(applied)
  for (const field of ignored) delete result[field]
  return result
}

/** An object that nobody is known to have written belongs, all of it, to whoever came before the first apply. */
const ownersOf = ({ live, apiVersion, subresource, schema, now }: Apply): Owner[] => {
  const owners = readOwners(live, 'stored')
  if (owners !== undefined || live === undefined) return owners ?? []
  const fields = ownable(compareFields(undefined, live, schema).changed, subresource ?? '', schema)
  const time = timestampOf(now)
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion, subresource: '', time, fields }]
}

/**
 * What `kubectl apply` (client side) last wrote and is still as it wrote it, as a set of fields: those are kubectl's own,
 * whatever name it used then. A field that somebody changed since is not.
 */
const lastAppliedFields = ({ live, apiVersion, schema }: Apply): FieldSet => {
  const text = live?.metadata?.annotations?.[lastApplied]
  if (text === undefined || text === '') return emptySet
  try {
    const parsed: unknown = JSON.parse(text)
    if (!isJsonObject(parsed) || parsed['apiVersion'] !== apiVersion) return emptySet
    const { changed, removed } = compareFields(parsed, live, schema)
    return difference(difference(fieldSetOf(parsed, schema), changed), removed)
  } catch {
    return emptySet
  }
}

/** kubectl keeps its own annotation current, so that client-side apply can go on from here. */
const refreshAnnotation = (merged: UnknownObject, { live, applied, manager }: Apply): void => {
  const annotations = merged.metadata?.annotations
  if (manager !== 'kubectl' || live?.metadata?.annotations?.[lastApplied] === undefined || annotations === undefined)
    return
  const { managedFields: _, ...metadata } = applied.metadata ?? {}
  const { [lastApplied]: __, ...rest } = metadata.annotations ?? {}
  const written = {
    ...applied,
    metadata: metadata.annotations === undefined ? metadata : { ...metadata, annotations: rest },
  }
  annotations[lastApplied] = `${JSON.stringify(written)}\n`
}

/** Fields of others that this apply would change; for kubectl, those it wrote itself before as client-side apply are no conflict. */
const conflictsOf = (apply: Apply, others: readonly Owner[], changed: FieldSet): Conflict[] => {
  const own = apply.manager === 'kubectl' ? lastAppliedFields(apply) : emptySet
  return others.flatMap(owner => {
    const shared = sharedFields(owner, changed)
    const fields = shared === undefined ? emptySet : difference(shared, own)
    return isEmptySet(fields) ? [] : [{ owner, fields }]
  })
}

const systemMetadata = ['managedFields', 'resourceVersion', 'uid', 'creationTimestamp', 'generation'] as const

/** The merged object before ownership is decided; metadata that the system keeps stays the live object's. */
const mergeOver = (apply: Apply, applied: UnknownObject, last: FieldSet, owned: FieldSet): UnknownObject => {
  const config = cloneJson(applied)
  if (config.metadata !== undefined && apply.live !== undefined)
    for (const field of systemMetadata) delete config.metadata[field]
  const merged = mergeApplied(apply.live, config, apply.schema)
  return cloneJson(pruneUnowned(merged, last, owned, apply.schema)) as UnknownObject
}

/**
 * Server-side apply: lays `applied` over `live`, removes what this manager applied before and nobody owns now, and
 * returns the merged object with its metadata.managedFields. An apply that changes nothing returns the live entries as
 * they are, times included, so that it writes nothing. The result shares nothing with its inputs but managedFields.
 *
 * The caller checks resourceVersion and uid, defaults and validates. Throws ApiError `Conflict` with one cause a field
 * (`FieldManagerConflict`) when others own what would change, unless `force`. Rules: KEP-555.
 */
export const serverSideApply = (apply: Apply): UnknownObject => {
  const { live, schema, force, apiVersion, manager } = apply
  const subresource = apply.subresource ?? ''
  const applied = appliedPart(apply)
  const self = { manager, operation: 'Apply', apiVersion, subresource } as const
  const owners = ownersOf(apply)
  const previous = owners.find(owner => sameOwner(owner, self))
  const others = owners.filter(owner => owner !== previous)
  const sent = fieldSetOf(applied, schema)
  const claimed = ownable(sent, subresource, schema)
  // With its name, which nobody owns: else metadata would count as given up with the last label.
  const owned = others.reduce((set, owner) => union(set, owner.fields), sent)
  const merged = mergeOver(apply, applied, previous?.fields ?? emptySet, owned)
  const comparison = compareFields(live, merged, schema)
  const changed = ownable(comparison.changed, subresource, schema)
  const removed = ownable(comparison.removed, subresource, schema)
  const conflicts = force ? [] : conflictsOf(apply, others, changed)
  if (conflicts.length > 0) throw conflictError(conflicts)
  const gone = union(changed, removed)
  const touched = !isEmptySet(gone) || previous === undefined || !equalJson(previous.fields, claimed)
  const next: Owner[] = [
    ...others.map(owner => ({ ...owner, fields: difference(owner.fields, gone) })),
    { ...self, fields: claimed, time: touched ? timestampOf(apply.now) : previous?.time },
  ]
  refreshAnnotation(merged, apply)
  return withManagedFields(merged, writeOwners(next), live)
}

const withManagedFields = (
  merged: UnknownObject,
  entries: ManagedFieldsEntry[],
  live: KubeObject | undefined,
): UnknownObject => {
  const written = live?.metadata?.managedFields
  const managedFields = written !== undefined && equalJson(written, entries) ? written : entries
  return { ...merged, metadata: { ...merged.metadata, managedFields } }
}
