import type { UnknownObject } from '../../../kube/object.ts'
import type { PatchType } from '../../../kube/client/client.ts'
import { applyJsonPatch } from '../../../kube/patch/json-patch.ts'
import { applyMergePatch } from '../../../kube/patch/merge-patch.ts'
import { serverSideApply } from '../../../kube/patch/server-side-apply.ts'
import { applyStrategicMergePatch } from '../../../kube/patch/strategic-merge.ts'
import { apiVersionOf } from '../../../kube/resource.ts'
import { typedErrors } from '../../../kube/patch/typed-errors.ts'
import { ApiError, apiError } from '../../../kube/status.ts'
import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { immutableMessage, invalid as fieldInvalid } from '../kinds/field-error.ts'
import type { Kind } from '../kinds/kind.ts'
import { conflict, invalid } from './api-errors.ts'
import type { TypeSchema } from '../../../kube/patch/schema.ts'
import { schemaOfKind } from '../schema/schema-of-kind.ts'
import { checkObject, checkWritten } from './check-object.ts'
import { shapeAsGo } from '../schema/go-zeros.ts'
import { createChecked } from './create-object.ts'
import { matchTarget } from './object-metadata.ts'
import type { ObjectTarget, Registry, RequestContext, WriteResult } from './registry.ts'
import { mutate } from './update-object.ts'

export interface Patch {
  type: PatchType
  /** As decoded from the body. */
  value: unknown
  /** For `apply`: take over what other managers own. */
  force: boolean
}

const notAMap = (value: unknown): string =>
  `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`

/** The patched value; `live` is left as it is. Throws ApiError BadRequest or Invalid where the patch cannot be applied. */
export const applyPatch = (live: unknown, { type, value }: Omit<Patch, 'force'>, schema: TypeSchema): unknown => {
  switch (type) {
    case 'json':
      return applyJsonPatch(live, value)
    case 'merge':
      if (value !== null && !isJsonObject(value))
        throw apiError('BadRequest', `error decoding patch: ${notAMap(value)}`)
      return applyMergePatch(live, value)
    case 'strategic':
      return applyStrategicMergePatch(live, value, schema)
    case 'apply':
      throw apiError('BadRequest', 'server-side apply is not possible here')
  }
}

/** A custom kind has no merge keys. Throws ApiError UnsupportedMediaType. */
const refuseStrategic = (): never => {
  const accepted = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']
  throw apiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )
}

/** As Go prints a value (`%+v`): upstream tells so of a strategic patch. */
const asGoPrints = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(asGoPrints).join(' ')}]`
  if (!isJsonObject(value)) return value === null ? '<nil>' : String(value)
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${fields.map(([name, field]) => `${name}:${asGoPrints(field)}`).join(' ')}]`
}

/** The object that a patch gives; what is none is the patch's fault. Throws ApiError Invalid. */
const checkPatched = (patched: unknown, patch: Patch, kind: Kind, context: RequestContext): UnknownObject => {
  try {
    return checkObject(patched, kind, context)
  } catch (error) {
    const [, why] = error instanceof ApiError ? (/ cannot be handled as a [^ ]+: (.*)$/s.exec(error.message) ?? []) : []
    if (why === undefined) throw error
    const shown = patch.type === 'strategic' ? asGoPrints(patch.value) : JSON.stringify(patched)
    const wrong = fieldInvalid('patch', shown, why)
    throw apiError('Invalid', ` "" is invalid: ${wrong.field}: ${wrong.message}`, { causes: [wrong] })
  }
}

/** PATCH of the object or of its status. */
export const patchObject = async (
  registry: Registry,
  target: ObjectTarget & { subresource: string },
  patch: Patch,
  context: RequestContext,
): Promise<WriteResult> => {
  if (patch.type === 'apply') return applyObject(registry, target, patch, context)
  if (patch.type === 'strategic' && target.kind.custom !== undefined) refuseStrategic()
  const schema = schemaOfKind(target.kind)
  const change = (live: UnknownObject): UnknownObject => {
    const patched = checkPatched(applyPatch(live, patch, schema), patch, target.kind, context)
    matchTarget(patched, target)
    keepUid(patched, live, target.kind)
    return patched
  }
  const entry = await mutate(registry, target, { subresource: target.subresource, change }, context)
  return { entry, created: false }
}

/** An apply says who applies. Throws ApiError Invalid. */
export const requireManager = (context: RequestContext): void => {
  if (context.fieldManager !== '') return
  throw apiError(
    'Invalid',
    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    {
      group: 'meta.k8s.io',
      kind: 'PatchOptions',
      causes: [
        {
          reason: 'FieldValueRequired',
          message: 'Required value: is required for apply patch',
          field: 'fieldManager',
        },
      ],
    },
  )
}

/** What the schema cannot read is an error of the server upstream, without a reason. */
const refuseUntyped = (value: unknown, { kind, namespace, name }: ObjectTarget): void => {
  const errors = typedErrors(value, schemaOfKind(kind))
  if (errors.length === 0) return
  const object = `${namespace === '' ? '' : `${namespace}/`}${name}; ${kind.group}/${kind.version}, Kind=${kind.kind}`
  const why = errors.length === 1 ? errors[0] : `errors:\n${errors.map(error => `  ${error}`).join('\n')}`
  throw new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `failed to create typed patch object (${object}): ${why}`,
    code: 500,
  })
}

/** A patch may repeat the uid, and not change it. */
const keepUid = (object: UnknownObject, live: UnknownObject, kind: Kind): void => {
  const uid = object.metadata?.uid ?? ''
  if (uid === '' || uid === live.metadata?.uid) return
  throw invalid(kind, live.metadata?.name ?? '', [fieldInvalid('metadata.uid', uid, immutableMessage)])
}

const applyObject = async (
  registry: Registry,
  target: ObjectTarget & { subresource: string },
  patch: Patch,
  context: RequestContext,
): Promise<WriteResult> => {
  requireManager(context)
  const { kind, subresource } = target
  if (kind.custom === undefined) refuseUntyped(patch.value, target)
  const applied = checkWritten(patch.value, kind, context)
  const meta = matchTarget(applied, target)
  if (meta.managedFields !== undefined) throw apiError('BadRequest', 'metadata.managedFields must be nil')
  const apply = {
    applied,
    manager: context.fieldManager,
    force: patch.force,
    ...(subresource === '' ? {} : { subresource }),
    apiVersion: apiVersionOf(kind),
    schema: schemaOfKind(kind),
    now: registry.clock.now(),
  }
  if (subresource === '' && registry.store.get(registry.key(target)) === undefined) {
    if (meta.uid)
      throw conflict(
        kind,
        target.name,
        `uid mismatch: the provided object specified uid ${meta.uid}, and no existing object was found`,
      )
    const object = serverSideApply(apply)
    if (kind.custom === undefined) shapeAsGo(object)
    return { entry: await createChecked(registry, target, object, { ...context, keepManagers: true }), created: true }
  }
  const change = (live: UnknownObject): UnknownObject => {
    const merged = serverSideApply({ ...apply, live })
    if (kind.custom === undefined) shapeAsGo(merged)
    // What the manager names must be what it means; what the merge took from the live object is not a precondition.
    merged.metadata = { ...merged.metadata }
    if (meta.resourceVersion !== undefined) merged.metadata.resourceVersion = meta.resourceVersion
    if (meta.uid !== undefined) merged.metadata.uid = meta.uid
    keepUid(merged, live, kind)
    return merged
  }
  return { entry: await mutate(registry, target, { subresource, change, keepManagers: true }, context), created: false }
}
