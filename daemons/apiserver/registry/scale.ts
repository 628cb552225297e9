import type { PatchType } from '../../../kube/client/client.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { cloneJson, isJsonObject } from '../../../kube/patch/json-value.ts'
import { serverSideApply } from '../../../kube/patch/server-side-apply.ts'
import { apiVersionOf } from '../../../kube/resource.ts'
import { apiError } from '../../../kube/status.ts'
import type { Kind, ScaleRow } from '../kinds/kind.ts'
import { schemaOfKind } from '../schema/schema-of-kind.ts'
import { schemaOf } from '../schema/schemas.ts'
import { StoredEntry } from '../store/stored-entry.ts'
import { conflict, invalid } from './api-errors.ts'
import { checkObject } from './check-object.ts'
import { applyPatch, requireManager } from './patch-object.ts'
import { getObject } from './read-objects.ts'
import type { ObjectTarget, Registry, RequestContext } from './registry.ts'
import { mutate, type ShownObject } from './update-object.ts'

/** Enough of a row for a body of autoscaling/v1 Scale to be checked by. */
const scaleKind: Kind = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  plural: 'scales',
  singular: 'scale',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.autoscaling.v1.Scale',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  columns: [],
}

const rowOf = (kind: Kind): ScaleRow => {
  if (kind.scale === undefined) throw apiError('NotFound', 'the server could not find the requested resource')
  return kind.scale
}

/** autoscaling/v1 Scale of an object. */
export const scaleOf = (kind: Kind, object: UnknownObject): UnknownObject => {
  const row = rowOf(kind)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {}
  const meta = { name, namespace, uid, resourceVersion, creationTimestamp }
  const selector = row.selector(object)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: Object.fromEntries(Object.entries(meta).filter(([, value]) => value !== undefined)),
    spec: { replicas: row.replicas(object) },
    status: { replicas: row.statusReplicas(object), ...(selector === '' ? {} : { selector }) },
  }
}

/** Admission of a scaling sees the Scale. */
const shownScale = (kind: Kind): ShownObject => ({
  objectKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  of: object => scaleOf(kind, object),
  into: (object, scale) => {
    const replicas = isJsonObject(scale['spec']) ? scale['spec']['replicas'] : undefined
    rowOf(kind).setReplicas(object, typeof replicas === 'number' ? replicas : 0)
  },
})

const asEntry = (kind: Kind, entry: StoredEntry): StoredEntry =>
  new StoredEntry(entry.key, entry.revision, { object: scaleOf(kind, entry.object) })

export const getScale = async (registry: Registry, target: ObjectTarget): Promise<StoredEntry> => {
  rowOf(target.kind)
  return asEntry(target.kind, await getObject(registry, target))
}

/** The replicas a Scale asks for; a Scale of another version of the object is a conflict. */
const wantedReplicas = (scale: UnknownObject, live: UnknownObject, { kind, name }: ObjectTarget): number => {
  const { resourceVersion, uid } = scale.metadata ?? {}
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== live.metadata?.resourceVersion)
    throw conflict(kind, name)
  if (uid !== undefined && uid !== '' && uid !== live.metadata?.uid)
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata?.uid ?? ''}`,
    )
  // Go leaves a zero out of the JSON it writes.
  const replicas = isJsonObject(scale['spec']) ? (scale['spec']['replicas'] ?? 0) : 0
  if (typeof replicas !== 'number' || replicas < 0)
    throw invalid(scaleKind, name, [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.replicas',
        message: `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`,
      },
    ])
  return replicas
}

const writeScale = async (
  registry: Registry,
  target: ObjectTarget,
  scaleFor: (live: UnknownObject) => UnknownObject,
  context: RequestContext,
): Promise<StoredEntry> => {
  const row = rowOf(target.kind)
  const change = (live: UnknownObject): UnknownObject => {
    const replicas = wantedReplicas(scaleFor(live), live, target)
    const next = cloneJson(live)
    row.setReplicas(next, replicas)
    return next
  }
  return asEntry(
    target.kind,
    await mutate(registry, target, { subresource: 'scale', change, shown: shownScale(target.kind) }, context),
  )
}

export const updateScale = (
  registry: Registry,
  target: ObjectTarget,
  body: unknown,
  context: RequestContext,
): Promise<StoredEntry> => {
  const scale = checkObject(body, scaleKind, context)
  return writeScale(registry, target, () => scale, context)
}

/** Server-side apply of a Scale: of the replicas, which its manager then owns. */
const applyScale = async (
  registry: Registry,
  target: ObjectTarget,
  patch: { value: unknown; force: boolean },
  context: RequestContext,
): Promise<StoredEntry> => {
  const { kind, namespace, name } = target
  requireManager(context)
  const scale = checkObject(patch.value, scaleKind, context)
  const applied: UnknownObject = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name, namespace },
    spec: {},
  }
  const change = (live: UnknownObject): UnknownObject => {
    rowOf(kind).setReplicas(applied, wantedReplicas(scale, live, target))
    return serverSideApply({
      live,
      applied,
      manager: context.fieldManager,
      force: patch.force,
      subresource: 'scale',
      apiVersion: apiVersionOf(kind),
      schema: schemaOfKind(kind),
      now: registry.clock.now(),
    })
  }
  const mutation = { subresource: 'scale', change, keepManagers: true, shown: shownScale(kind) }
  const entry = await mutate(registry, target, mutation, context)
  return asEntry(kind, entry)
}

export const patchScale = (
  registry: Registry,
  target: ObjectTarget,
  patch: { type: PatchType; value: unknown; force?: boolean },
  context: RequestContext,
): Promise<StoredEntry> => {
  if (patch.type === 'apply') return applyScale(registry, target, { force: false, ...patch }, context)
  const scaleFor = (live: UnknownObject) =>
    checkObject(applyPatch(scaleOf(target.kind, live), patch, schemaOf(scaleKind.schema)), scaleKind, context)
  return writeScale(registry, target, scaleFor, context)
}
