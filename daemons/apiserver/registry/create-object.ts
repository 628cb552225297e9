import type { UnknownObject } from '../../../kube/object.ts'
import { cloneJson } from '../../../kube/patch/json-value.ts'
import { recordManager } from '../../../kube/patch/managed-fields.ts'
import { apiVersionOf } from '../../../kube/resource.ts'
import { hasReason } from '../../../kube/status.ts'
import type { Kind } from '../kinds/kind.ts'
import { validateMetadata } from '../kinds/metadata-validation.ts'
import { schemaOfKind } from '../schema/schema-of-kind.ts'
import { StoredEntry } from '../store/stored-entry.ts'
import { admissionRequest, admitThen } from './admit.ts'
import { alreadyExists, conflict, invalid } from './api-errors.ts'
import { checkObject } from './check-object.ts'
import { claimOperations } from './claim-operations.ts'
import { generateName, matchTarget, restoreMetadata, startMetadata } from './object-metadata.ts'
import type { ObjectTarget, Registry, RequestContext } from './registry.ts'

/** How often a generated name that is taken is replaced by another. */
const nameAttempts = 8
/** How often numbers that another server took meanwhile are replaced by others. */
const claimAttempts = 8

/** A body as it came: made an object of the kind, then created. The body is changed. */
export const createObject = async (
  registry: Registry,
  target: ObjectTarget,
  body: unknown,
  context: RequestContext,
): Promise<StoredEntry> => createChecked(registry, target, checkObject(body, target.kind, context), context)

/** Creates an object that is known to fit the schema. `keepManagers`: server-side apply has recorded them already. */
export const createChecked = async (
  registry: Registry,
  target: ObjectTarget,
  object: UnknownObject,
  context: RequestContext & { keepManagers?: boolean },
): Promise<StoredEntry> => {
  const loading = target.kind.load?.(object)
  if (loading !== undefined) await loading
  const meta = matchTarget(object, target)
  // Its namespace may just have been made by another server.
  if (registry.store.shared) await registry.store.refresh()
  startMetadata(object, target.kind, registry.now())
  if (meta.name !== undefined && meta.name !== '') return createNamed(registry, target, object, context)
  if (meta.generateName === undefined || meta.generateName === '')
    throw invalid(target.kind, '', validateMetadata(object, target.kind))
  for (let attempt = 1; ; attempt++) {
    const named = cloneJson(object)
    named.metadata = { ...named.metadata, name: generateName(meta.generateName) }
    try {
      return await createNamed(registry, target, named, context)
    } catch (error) {
      if (attempt === nameAttempts || !hasReason(error, 'AlreadyExists')) throw error
    }
  }
}

const createNamed = async (
  registry: Registry,
  target: ObjectTarget,
  object: UnknownObject,
  context: RequestContext & { keepManagers?: boolean },
): Promise<StoredEntry> => {
  const { kind } = target
  for (let attempt = 0; attempt < claimAttempts; attempt++) {
    // What is chosen for the object goes into it: the next attempt chooses again.
    const fresh = kind.claims === undefined ? object : cloneJson(object)
    const created = await createOnce(registry, target, fresh, context)
    if (created !== undefined) return created
  }
  throw conflict(kind, object.metadata?.name ?? '', 'others took the numbers that were chosen for it; please try again')
}

/** Undefined: another server has just taken what this object was to hold. */
const createOnce = async (
  registry: Registry,
  { kind, namespace }: ObjectTarget,
  object: UnknownObject,
  context: RequestContext & { keepManagers?: boolean },
): Promise<StoredEntry | undefined> => {
  const meta = object.metadata ?? {}
  const where = kind.namespaced ? namespace || (meta.namespace ?? '') : ''
  kind.setDefaults?.(object)
  // As upstream: what admission and the kind itself add is nobody's.
  if (context.keepManagers !== true) recordCreator(registry, kind, object, context)
  const request = admissionRequest(
    { operation: 'create', kind, subresource: '', namespace: where, name: meta.name ?? '', object, old: undefined },
    context,
  )
  let created = object
  return admitThen(registry, request, {
    check: () => {
      if (request.object !== undefined && request.object !== object)
        created = restoreMetadata(request.object, object, { kind, namespace: where, name: '' })
      if (kind.custom !== undefined && created !== object) {
        kind.custom.decode(created)
        kind.setDefaults?.(created)
      }
      kind.prepareForCreate?.(created, context)
      const errors = [
        ...validateMetadata(created, kind),
        ...(kind.validate?.(created) ?? []),
        ...(kind.validateCreate?.(created) ?? []),
      ]
      if (errors.length > 0) throw invalid(kind, created.metadata?.name ?? '', errors)
      for (const text of kind.warnings?.(created, undefined) ?? []) context.warn(text)
      request.object = created
    },
    commit: () => store(registry, { kind, namespace: where, name: created.metadata?.name ?? '' }, created, context),
  })
}

const store = async (
  registry: Registry,
  target: ObjectTarget,
  object: UnknownObject,
  context: RequestContext,
): Promise<StoredEntry | undefined> => {
  const { kind, name } = target
  const key = registry.key(target)
  if (registry.store.get(key) !== undefined) throw alreadyExists(kind, name)
  if (context.dryRun) return new StoredEntry(key, 0, { object })
  const converted = registry.toStored(kind, object)
  const stored = converted instanceof Promise ? await converted : converted
  const claims = claimOperations(registry, kind, { after: object })
  const result = await registry.store.transact([{ kind: 'put', key, object: stored, expected: 0 }, ...claims])
  if (result.kind === 'conflict' && result.index > 0) return undefined
  const entry = result.kind === 'committed' ? result.entries[0] : undefined
  if (entry === undefined) throw alreadyExists(kind, name)
  return registry.view(kind, entry)
}

const recordCreator = (registry: Registry, kind: Kind, object: UnknownObject, context: RequestContext): void => {
  const meta = (object.metadata ??= {})
  const managedFields = recordManager({
    after: object,
    manager: context.fieldManager,
    operation: 'Update',
    apiVersion: apiVersionOf(kind),
    schema: schemaOfKind(kind),
    now: registry.clock.now(),
  })
  if (managedFields.length > 0) meta.managedFields = managedFields
  else delete meta.managedFields
}
