import type { UnknownObject } from '../../../kube/object.ts'
import { cloneJson, equalJson } from '../../../kube/patch/json-value.ts'
import { hasReason } from '../../../kube/status.ts'
import type { Kind } from '../kinds/kind.ts'
import type { StoreOperation } from '../store/store.ts'
import { StoredEntry } from '../store/stored-entry.ts'
import { admissionRequest, admitThen } from './admit.ts'
import { conflict, notFound } from './api-errors.ts'
import { claimOperations } from './claim-operations.ts'
import { pendingFinalizers } from './object-metadata.ts'
import { listObjects, type ListRequest } from './read-objects.ts'
import { type ObjectTarget, type Registry, type RequestContext, timeText } from './registry.ts'

/** meta/v1 DeleteOptions. */
export interface DeleteRequest {
  gracePeriodSeconds?: number | undefined
  propagationPolicy?: string | undefined
  orphanDependents?: boolean | undefined
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined
}

export interface DeleteResult {
  /** False: it lingers until its grace period or its finalizers are through. */
  gone: boolean
  entry: StoredEntry
}

const attempts = 6

export const deleteObject = async (
  registry: Registry,
  target: ObjectTarget,
  request: DeleteRequest,
  context: RequestContext,
): Promise<DeleteResult> => {
  const { kind, namespace, name } = target
  if (kind.deletionWarning !== undefined && askedPolicy(request) === undefined) context.warn(kind.deletionWarning)
  if (registry.store.shared) await registry.store.refresh()
  for (let attempt = 0; attempt < attempts; attempt++) {
    const stored = registry.store.get(registry.key(target))
    if (stored === undefined) throw notFound(kind, name)
    const view = registry.view(kind, stored)
    const live = view instanceof Promise ? await view : view
    checkPreconditions(target, live.object, request)
    const commit = () => attemptDelete(registry, target, { live, request }, context)
    const admission = admissionRequest(
      { operation: 'delete', kind, subresource: '', namespace, name, object: undefined, old: live.object },
      context,
      request,
    )
    const result =
      context.admitted === true
        ? await commit()
        : await admitThen(registry, admission, { commit, happened: outcome => outcome?.gone === true })
    if (result !== undefined) return result
  }
  throw conflict(kind, name)
}

/** Undefined: another write came between. */
const attemptDelete = async (
  registry: Registry,
  target: ObjectTarget,
  { live, request }: { live: StoredEntry; request: DeleteRequest },
  context: RequestContext,
): Promise<DeleteResult | undefined> => {
  const { kind } = target
  const key = registry.key(target)
  const next = planDeletion(live.object, { request, kind, nowMs: registry.clock.now() })
  if (next !== undefined && equalJson(next, live.object)) return { gone: false, entry: live }
  if (context.dryRun)
    return {
      gone: next === undefined,
      entry: next === undefined ? live : new StoredEntry(key, live.revision, { object: next }),
    }
  const operation: StoreOperation =
    next === undefined
      ? { kind: 'delete', key, expected: live.revision }
      : { kind: 'put', key, object: await registry.toStored(kind, next), expected: live.revision }
  const released = next === undefined ? claimOperations(registry, kind, { before: live.object }) : []
  const result = await registry.store.transact([operation, ...released])
  const entry = result.kind === 'committed' ? result.entries[0] : undefined
  return entry === undefined ? undefined : { gone: next === undefined, entry: await registry.view(kind, entry) }
}

/** Upstream names the kind here, not the resource. */
const checkPreconditions = (
  { kind, name }: ObjectTarget,
  live: UnknownObject,
  { preconditions }: DeleteRequest,
): void => {
  const { uid, resourceVersion } = live.metadata ?? {}
  const refuse = (why: string) => conflict({ ...kind, plural: kind.kind }, name, why)
  if (preconditions?.uid !== undefined && preconditions.uid !== uid)
    throw refuse(
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid ?? ''}). ` +
        'The object might have been deleted and then recreated',
    )
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion)
    throw refuse(
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion ` +
        `in record (${resourceVersion ?? ''}). The object might have been modified`,
    )
}

const askedPolicy = ({ propagationPolicy, orphanDependents }: DeleteRequest): string | undefined =>
  propagationPolicy ?? (orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background')

/** The finalizers that carry out the propagation policy: of the request, else of the object's own, else of its kind. */
const propagate = (
  finalizers: readonly string[],
  request: DeleteRequest,
  { garbageCollection }: Pick<Kind, 'garbageCollection'>,
): string[] => {
  const own = finalizers.find(finalizer => finalizer === 'orphan' || finalizer === 'foregroundDeletion')
  const policy =
    garbageCollection === 'Unsupported'
      ? 'Background'
      : (askedPolicy(request) ?? (own === undefined && garbageCollection === 'OrphanDependents' ? 'Orphan' : undefined))
  if (policy === undefined) return [...finalizers]
  const wanted = policy === 'Orphan' ? 'orphan' : policy === 'Foreground' ? 'foregroundDeletion' : undefined
  const rest = finalizers.filter(finalizer => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion')
  return wanted === undefined ? rest : [...rest, wanted]
}

/**
 * The object as a delete leaves it: marked, with the grace period that it has; undefined when nothing holds it.
 * A second delete may shorten the grace period, never lengthen it. (Upstream: rest.BeforeDelete.)
 */
export const planDeletion = (
  live: UnknownObject,
  {
    request,
    kind,
    nowMs,
  }: {
    request: DeleteRequest
    kind: Pick<Kind, 'gracePeriodSeconds' | 'prepareForDelete' | 'garbageCollection'>
    nowMs: number
  },
): UnknownObject | undefined => {
  const next = cloneJson(live)
  const meta = (next.metadata ??= {})
  const finalizers = propagate(meta.finalizers ?? [], request, kind)
  if (finalizers.length > 0) meta.finalizers = finalizers
  else delete meta.finalizers
  const own = kind.gracePeriodSeconds?.(live)
  const asked = request.gracePeriodSeconds
  // A kind without a grace period, or a pod that nobody runs, goes at once whatever was asked for.
  const grace = own === undefined || own === 0 ? 0 : asked === undefined ? own : asked < 0 ? 1 : asked
  const before = meta.deletionGracePeriodSeconds ?? 0
  const marked = meta.deletionTimestamp !== undefined
  if (!marked) {
    meta.deletionTimestamp = timeText(nowMs + grace * 1000)
    meta.deletionGracePeriodSeconds = grace
    if (meta.generation !== undefined) meta.generation++
    kind.prepareForDelete?.(next, timeText(nowMs))
    if (next.kind === 'Namespace') next['status'] = { ...(next['status'] as object | undefined), phase: 'Terminating' }
  } else if (grace < before && (asked !== undefined || grace === 0)) {
    const start = Date.parse(meta.deletionTimestamp ?? '') - before * 1000
    meta.deletionTimestamp = timeText(start + grace * 1000)
    meta.deletionGracePeriodSeconds = grace
  }
  if ((meta.deletionGracePeriodSeconds ?? 0) > 0 || pendingFinalizers(next).length > 0) return next
  return undefined
}

/** Deletes what the selectors choose; the entries as they were. What others delete meanwhile is no failure. */
export const deleteCollection = async (
  registry: Registry,
  target: ObjectTarget,
  request: { list: ListRequest; options: DeleteRequest },
  context: RequestContext,
): Promise<{ resourceVersion: string; entries: StoredEntry[] }> => {
  const { entries } = await listObjects(registry, target, request.list)
  const deleted = await Promise.all(
    entries.map(async ({ object }) => {
      const { name = '', namespace = '' } = object.metadata ?? {}
      try {
        const one = { kind: target.kind, namespace, name }
        return (await deleteObject(registry, one, request.options, context)).entry
      } catch (error) {
        if (hasReason(error, 'NotFound')) return undefined
        throw error
      }
    }),
  )
  return {
    resourceVersion: String(registry.store.revision),
    entries: deleted.filter(entry => entry !== undefined),
  }
}
