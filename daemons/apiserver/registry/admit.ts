import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from '../admission/plugin.ts'
import type { JsonObject } from '../../../kube/patch/json-value.ts'
import type { DeleteRequest } from './delete-object.ts'
import type { Registry, RequestContext } from './registry.ts'

/** What is done with a request that is let in. */
export interface AdmittedWrite<T> {
  /** Between the phases: makes what mutation left of the object ready to be stored, and validates it. Throws ApiError. */
  check?(): void
  commit(): Promise<T>
  /** Whether what was asked for has come about: an object that is only marked for deletion still holds what it was given. */
  happened?(result: T): boolean
}

const optionsKinds = { create: 'CreateOptions', update: 'UpdateOptions', delete: 'DeleteOptions' } as const

/** The options as upstream shows them to admission: a patch is the create or the update that it comes to. */
const optionsOf = (
  operation: AdmissionRequest['operation'],
  { dryRun, asked = {} }: RequestContext,
  deletion: DeleteRequest = {},
): JsonObject => {
  if (operation === 'connect') return {}
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions } = deletion
  const fields = {
    gracePeriodSeconds,
    ...(preconditions?.uid === undefined && preconditions?.resourceVersion === undefined ? {} : { preconditions }),
    orphanDependents,
    propagationPolicy,
    dryRun: dryRun ? ['All'] : undefined,
    ...(operation === 'delete' ? {} : asked),
  }
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')
  return { kind: optionsKinds[operation], apiVersion: 'meta.k8s.io/v1', ...Object.fromEntries(given) }
}

/** A request as admission sees it. */
export const admissionRequest = (
  parts: Pick<AdmissionRequest, 'operation' | 'kind' | 'subresource' | 'namespace' | 'name' | 'object' | 'old'> &
    Partial<Pick<AdmissionRequest, 'objectKind'>>,
  context: RequestContext,
  deletion?: DeleteRequest,
): AdmissionRequest => ({
  ...parts,
  user: context.user,
  dryRun: context.dryRun,
  options: () => optionsOf(parts.operation, context, deletion),
  warn: context.warn,
  annotate: (key, value) => context.annotate?.(key, value),
})

const run = async (
  phase: 'admit' | 'allocate' | 'validate',
  plugins: readonly AdmissionPlugin[],
  { request, reader, passed }: { request: AdmissionRequest; reader: AdmissionReader; passed: Set<AdmissionPlugin> },
): Promise<void> => {
  for (const plugin of plugins) {
    const pending = plugin[phase]?.(request, reader)
    if (pending !== undefined) await pending
    passed.add(plugin)
  }
}

/**
 * The way of a write: mutating plugins, preparation and validation, validating plugins, the write itself. Every plugin
 * that let the request pass is told whether it was written, so that what it allocated can be given back.
 */
export const admitThen = async <T>(
  registry: Registry,
  request: AdmissionRequest,
  { check, commit, happened = result => result !== undefined }: AdmittedWrite<T>,
): Promise<T> => {
  const { mutating, allocating, validating, finishing } = registry.admission.route(
    request.operation,
    request.kind,
    request.subresource,
  )
  const passed = new Set<AdmissionPlugin>()
  const state = { request, reader: registry.reader, passed }
  let committed = false
  try {
    if (mutating.length > 0) await run('admit', mutating, state)
    if (request.reinvocation?.due === true) {
      request.reinvocation.round = 2
      await run('admit', mutating, state)
    }
    if (allocating.length > 0) await run('allocate', allocating, state)
    check?.()
    if (validating.length > 0) await run('validate', validating, state)
    const result = await commit()
    committed = !request.dryRun && happened(result)
    return result
  } finally {
    for (const plugin of finishing.toReversed()) if (passed.has(plugin)) plugin.finish?.(request, committed)
  }
}

/** Tells every plugin that an object is gone that was removed by something else than a delete request: its last finalizer. */
export const tellRemoved = (registry: Registry, request: AdmissionRequest): void => {
  const removal: AdmissionRequest = { ...request, operation: 'delete', object: undefined, dryRun: false }
  const { finishing } = registry.admission.route('delete', request.kind, '')
  for (const plugin of finishing) plugin.finish?.(removal, true)
}
