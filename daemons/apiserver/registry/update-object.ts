import type { ObjectMeta, UnknownObject } from '../../../kube/object.ts'
import { cloneJson, equalJson } from '../../../kube/patch/json-value.ts'
import { recordManager } from '../../../kube/patch/managed-fields.ts'
import { apiVersionOf, type GroupVersionKind } from '../../../kube/resource.ts'
import { apiError } from '../../../kube/status.ts'
import type { FieldError, Kind } from '../kinds/kind.ts'
import { validateMetadata, validateMetadataUpdate } from '../kinds/metadata-validation.ts'
import { schemaOfKind } from '../schema/schema-of-kind.ts'
import type { StoreOperation } from '../store/store.ts'
import { StoredEntry } from '../store/stored-entry.ts'
import { admissionRequest, admitThen, tellRemoved } from './admit.ts'
import { conflict, invalid, notFound } from './api-errors.ts'
import { checkObject } from './check-object.ts'
import { claimOperations } from './claim-operations.ts'
import { createChecked } from './create-object.ts'
import { keepMetadata, matchTarget, pendingFinalizers, raiseGeneration } from './object-metadata.ts'
import type { ObjectTarget, Registry, RequestContext, WriteResult } from './registry.ts'

/** A change to an object that is there. */
export interface Mutation {
  /** '' for the object itself, else `status`, `scale`, `binding`, `finalize` or one of the kind's parts. */
  subresource: string
  /** The object as it should become, made from the live one (read-only); called again when another write came between. */
  change(live: UnknownObject): UnknownObject | Promise<UnknownObject>
  /** Refused where the object is there: the request names no resourceVersion, and its kind wants one. */
  conditional?: boolean
  /** The change has its managedFields already (server-side apply). */
  keepManagers?: boolean
  /** How admission sees the object, where the subresource is a thing of its own (a Scale). */
  shown?: ShownObject
}

/** An object that stands for another. */
export interface ShownObject {
  objectKind: GroupVersionKind
  of(object: UnknownObject): UnknownObject
  /** Carries over into the object what admission has changed in the one it was shown. */
  into(object: UnknownObject, shown: UnknownObject): void
}

/** How often a write starts over because another one came between, before its caller is told to. */
const attempts = 6

/** Kinds that a PUT creates when they are not there, as upstream's strategies allow. */
const createdByUpdate = new Set(['leases', 'endpoints', 'endpointslices', 'events'])

/** PUT of the object or of its status. */
export const updateObject = async (
  registry: Registry,
  target: ObjectTarget & { subresource: string },
  body: unknown,
  context: RequestContext,
): Promise<WriteResult> => {
  const object = checkObject(body, target.kind, context)
  if ((object.metadata?.name ?? '') === '')
    throw apiError(
      'BadRequest',
      `the name of the object (${target.name} based on URL) was undeterminable: name must be provided`,
    )
  const meta = matchTarget(object, target)
  const versioned = meta.resourceVersion !== undefined && meta.resourceVersion !== ''
  if (
    target.subresource === '' &&
    !versioned &&
    createdByUpdate.has(target.kind.plural) &&
    registry.store.get(registry.key(target)) === undefined
  )
    return { entry: await createChecked(registry, target, object, context), created: true }
  const change = () => cloneJson(object)
  const conditional = !versioned && target.kind.unconditionalUpdate === false
  const entry = await mutate(registry, target, { subresource: target.subresource, change, conditional }, context)
  return { entry, created: false }
}

const requireVersion = ({ kind, name }: ObjectTarget): never => {
  throw invalid(kind, name, [
    {
      reason: 'FieldValueInvalid',
      field: 'metadata.resourceVersion',
      message: 'Invalid value: 0x0: must be specified for an update',
    },
  ])
}

/**
 * Reads, changes and writes until no other write came between. Keeps what the system and other subresources own,
 * runs admission and validation, and writes nothing when nothing changed. An object that is being deleted and has
 * nothing left to wait for is removed.
 */
export const mutate = async (
  registry: Registry,
  target: ObjectTarget,
  mutation: Mutation,
  context: RequestContext,
): Promise<StoredEntry> => {
  const key = registry.key(target)
  // Another server may just have made it.
  if (registry.store.shared) await registry.store.refresh()
  for (let attempt = 0; attempt < attempts; attempt++) {
    const stored = registry.store.get(key)
    if (stored === undefined) throw notFound(target.kind, target.name)
    const view = registry.view(target.kind, stored)
    const live = view instanceof Promise ? await view : view
    if (mutation.conditional === true) requireVersion(target)
    const written = await attemptMutation(registry, target, { ...mutation, live, stale: stored.stale }, context)
    if (written !== undefined) return written
  }
  throw conflict(target.kind, target.name)
}

/** Undefined: another write came between. */
const attemptMutation = async (
  registry: Registry,
  target: ObjectTarget,
  mutation: Mutation & { live: StoredEntry; stale: boolean },
  context: RequestContext,
): Promise<StoredEntry | undefined> => {
  const { kind, namespace, name } = target
  const { live: entry, subresource } = mutation
  const live = entry.object
  const where = { target, subresource, now: registry.now() }
  const changed = await mutation.change(live)
  const loading = kind.load?.(changed)
  if (loading !== undefined) await loading
  let next = settle(changed, live, where)
  if (mutation.keepManagers !== true) recordWriter(registry, { kind, next, live, subresource }, context)
  const commit = async (): Promise<StoredEntry | undefined> => {
    // What is encrypted with an older key is written again, as upstream does: replacing all Secrets rotates the key.
    if (!mutation.stale && equalJson(next, live)) return entry
    if (context.dryRun) return new StoredEntry(entry.key, entry.revision, { object: next })
    const written = await write(registry, { kind, key: registry.key(target), live: entry, next })
    if (written?.gone === true) tellRemoved(registry, request)
    return written?.entry
  }
  const { shown } = mutation
  const object = shown?.of(next) ?? next
  const old = shown?.of(live) ?? live
  const request = admissionRequest(
    { operation: 'update', kind, subresource, namespace, name, object, old, objectKind: shown?.objectKind },
    context,
  )
  const check = (): void => {
    // What a webhook gave back holds to the rules of the endpoint as what the client sent does.
    if (shown !== undefined) shown.into(next, request.object ?? object)
    else if (request.object !== undefined && request.object !== next) {
      kind.custom?.decode(request.object)
      next = settle(request.object, live, where)
    }
    const errors = validateChange(next, live, { kind, subresource })
    if (errors.length > 0) throw invalid(kind, name, errors)
    if (subresource !== 'status') for (const text of kind.warnings?.(next, live) ?? []) context.warn(text)
    raiseGeneration(next, live, kind)
    request.object = shown?.of(next) ?? next
  }
  if (context.admitted !== true) return admitThen(registry, request, { check, commit })
  check()
  return commit()
}

/** Groups whose older strategies let a write to the status change metadata too; the newer ones reset it. */
const openMetadata = new Set(['', 'apps', 'autoscaling', 'batch', 'networking.k8s.io', 'policy'])

/** The metadata that a write to the status leaves behind: what it wants, or what is there. */
const metadataOfStatus = (live: UnknownObject, wanted: UnknownObject, kind: Kind): ObjectMeta => {
  const { managedFields } = wanted.metadata ?? {}
  if (kind.custom !== undefined || !openMetadata.has(kind.group))
    return { ...live.metadata, ...(managedFields === undefined ? {} : { managedFields }) }
  const field = kind.plural === 'pods' ? 'ownerReferences' : kind.plural === 'deployments' ? 'labels' : undefined
  if (field === undefined) return wanted.metadata ?? {}
  const { [field]: _, ...rest } = wanted.metadata ?? {}
  const before = live.metadata?.[field]
  return { ...rest, ...(before === undefined ? {} : { [field]: before }) }
}

/** The wanted object with everything put back that this endpoint does not change. */
const settle = (
  wanted: UnknownObject,
  live: UnknownObject,
  { target, subresource, now }: { target: ObjectTarget; subresource: string; now: string },
): UnknownObject => {
  const { kind } = target
  keepMetadata(wanted, live, target)
  const part = kind.parts?.[subresource]
  if (subresource === 'status' && part === undefined) {
    const { status: _, ...rest } = live
    const metadata = metadataOfStatus(live, wanted, kind)
    const status = wanted['status'] === undefined ? {} : { status: wanted['status'] }
    const next: UnknownObject = { ...cloneJson(rest), metadata, ...status }
    kind.prepareForStatus?.(next, live, now)
    return next
  }
  if (kind.hasStatus && (subresource === '' || subresource === 'scale')) {
    if (live['status'] === undefined) delete wanted['status']
    else wanted['status'] = cloneJson(live['status'])
  }
  if (subresource !== '' && subresource !== 'scale' && part === undefined) return wanted
  kind.setDefaults?.(wanted)
  if (part !== undefined) {
    const managedFields = wanted.metadata?.managedFields
    const taken = part.take(wanted, live)
    return managedFields === undefined ? taken : { ...taken, metadata: { ...taken.metadata, managedFields } }
  }
  kind.prepareForUpdate?.(wanted, live)
  return wanted
}

const validateChange = (
  next: UnknownObject,
  live: UnknownObject,
  { kind, subresource }: { kind: Kind; subresource: string },
): FieldError[] => {
  const part = kind.parts?.[subresource]
  if (part !== undefined)
    return [...validateMetadata(next, kind), ...validateMetadataUpdate(next, live), ...part.validate(next, live)]
  switch (subresource) {
    case '':
    case 'scale':
      return [
        ...validateMetadata(next, kind),
        ...validateMetadataUpdate(next, live),
        // A custom kind judges an update by what changed: all its rules are in validateUpdate.
        ...(kind.custom === undefined ? (kind.validate?.(next) ?? []) : []),
        ...(kind.validateUpdate?.(next, live, subresource) ?? []),
      ]
    case 'status':
      return [
        ...validateMetadata(next, kind),
        ...validateMetadataUpdate(next, live),
        ...(kind.validateUpdate?.(next, live, subresource) ?? []),
      ]
    default:
      // binding and finalize change what is immutable everywhere else; they check it themselves.
      return []
  }
}

const recordWriter = (
  registry: Registry,
  { kind, next, live, subresource }: { kind: Kind; next: UnknownObject; live: UnknownObject; subresource: string },
  context: RequestContext,
): void => {
  const managedFields = recordManager({
    before: live,
    after: next,
    manager: context.fieldManager,
    operation: 'Update',
    ...(subresource === '' ? {} : { subresource }),
    apiVersion: apiVersionOf(kind),
    schema: schemaOfKind(kind),
    now: registry.clock.now(),
  })
  const { managedFields: _, ...metadata } = next.metadata ?? {}
  next.metadata = managedFields.length > 0 ? { ...metadata, managedFields } : metadata
}

const write = async (
  registry: Registry,
  { kind, key, live, next }: { kind: Kind; key: string; live: StoredEntry; next: UnknownObject },
): Promise<{ entry: StoredEntry; gone: boolean } | undefined> => {
  const { deletionTimestamp, deletionGracePeriodSeconds: grace = 0 } = next.metadata ?? {}
  const finished = deletionTimestamp !== undefined && grace === 0 && pendingFinalizers(next).length === 0
  const stored = finished ? next : registry.toStored(kind, next)
  const expected = live.revision
  const operation: StoreOperation = finished
    ? { kind: 'delete', key, expected }
    : { kind: 'put', key, object: stored instanceof Promise ? await stored : stored, expected }
  const change = { before: live.object, after: finished ? undefined : next }
  const result = await registry.store.transact([operation, ...claimOperations(registry, kind, change)])
  const entry = result.kind === 'committed' ? result.entries[0] : undefined
  if (entry === undefined) return undefined
  return finished
    ? { entry: new StoredEntry(key, entry.revision, { object: next }), gone: true }
    : { entry: await registry.view(kind, entry), gone: false }
}
