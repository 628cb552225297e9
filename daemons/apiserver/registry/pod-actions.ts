import { isJsonObject, cloneJson } from '../../../kube/patch/json-value.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { apiError } from '../../../kube/status.ts'
import { notSupported, required } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { checkFields } from '../schema/check.ts'
import type { AdmissionRequest } from '../admission/plugin.ts'
import { admissionRequest, admitThen } from './admit.ts'
import { conflict, invalid } from './api-errors.ts'
import { checkObject } from './check-object.ts'
import type { ObjectTarget, Registry, RequestContext } from './registry.ts'
import { mutate } from './update-object.ts'
import type { StoredEntry } from '../store/stored-entry.ts'

interface PodCondition {
  type: string
  status: string
  lastProbeTime?: null
  lastTransitionTime?: string
}

/** The pod's conditions with PodScheduled true. */
const scheduled = (conditions: readonly PodCondition[], now: string): PodCondition[] => {
  const before = conditions.find(condition => condition.type === 'PodScheduled')
  if (before?.status === 'True') return [...conditions]
  return [
    ...conditions.filter(condition => condition.type !== 'PodScheduled'),
    { type: 'PodScheduled', status: 'True', lastTransitionTime: now },
  ]
}

const bindingRow = { group: '', plural: 'pods/binding', kind: 'Binding' }

/** The body as an object whose fields have the types of `definition`. Throws ApiError BadRequest. */
export const checkedBody = (body: unknown, definition: string): UnknownObject => {
  const name = definition.slice(definition.lastIndexOf('.') + 1)
  const wrong = isJsonObject(body)
    ? checkFields(body, definition).find(finding => finding.kind === 'type')?.message
    : `json: cannot unmarshal into Go value of type ${name}`
  if (wrong !== undefined)
    throw apiError('BadRequest', `${name} in version "v1" cannot be handled as a ${name}: ${wrong}`)
  return body as UnknownObject
}

const bindingKind = { group: '', version: 'v1', kind: 'Binding' }

/** Admission of an action sees what was posted, as a create of the subresource. */
export const actionRequest = (
  { kind, namespace, name }: ObjectTarget,
  action: Required<Pick<AdmissionRequest, 'subresource' | 'object' | 'objectKind'>>,
  context: RequestContext,
): AdmissionRequest =>
  admissionRequest({ operation: 'create', kind, namespace, name, old: undefined, ...action }, context)

/** POST pods/NAME/binding: puts the pod on a node, once. */
export const bindPod = async (
  registry: Registry,
  target: ObjectTarget,
  body: unknown,
  context: RequestContext,
): Promise<void> => {
  const binding = checkedBody(body, 'io.k8s.api.core.v1.Binding')
  const request = actionRequest(target, { subresource: 'binding', object: binding, objectKind: bindingKind }, context)
  const commit = () => applyBinding(registry, target, request.object ?? binding, context)
  await admitThen(registry, request, { commit })
}

const applyBinding = async (
  registry: Registry,
  target: ObjectTarget,
  binding: UnknownObject,
  context: RequestContext,
): Promise<void> => {
  const to = isJsonObject(binding['target']) ? binding['target'] : {}
  const node = to['name']
  const errors: FieldError[] = []
  const targetKind = to['kind'] ?? ''
  if (targetKind !== '' && targetKind !== 'Node')
    errors.push(notSupported('target.kind', targetKind, ['Node', '<empty>']))
  if (typeof node !== 'string' || node === '') errors.push(required('target.name'))
  if (errors.length > 0) throw invalid(bindingRow, target.name, errors)
  const uid = binding.metadata?.uid
  const change = (live: UnknownObject): UnknownObject => {
    const next = cloneJson(live)
    const spec = (isJsonObject(next['spec']) ? next['spec'] : {}) as { nodeName?: string; schedulingGates?: unknown[] }
    if (uid !== undefined && uid !== live.metadata?.uid)
      throw conflict(
        bindingRow,
        target.name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata?.uid ?? ''}`,
      )
    if (live.metadata?.deletionTimestamp !== undefined)
      throw conflict(bindingRow, target.name, `pod ${target.name} is being deleted, cannot be assigned to a host`)
    if (spec.nodeName !== undefined && spec.nodeName !== '')
      throw conflict(bindingRow, target.name, `pod ${target.name} is already assigned to node "${spec.nodeName}"`)
    if ((spec.schedulingGates ?? []).length > 0)
      throw conflict(bindingRow, target.name, `pod ${target.name} has non-empty .spec.schedulingGates`)
    const status = (isJsonObject(next['status']) ? next['status'] : {}) as { conditions?: PodCondition[] }
    next['spec'] = { ...spec, nodeName: node }
    next['status'] = { ...status, conditions: scheduled(status.conditions ?? [], registry.now()) }
    const { annotations, labels } = binding.metadata ?? {}
    if (annotations !== undefined)
      next.metadata = { ...next.metadata, annotations: { ...next.metadata?.annotations, ...annotations } }
    if (labels !== undefined) next.metadata = { ...next.metadata, labels: { ...next.metadata?.labels, ...labels } }
    return next
  }
  await mutate(registry, target, { subresource: 'binding', change }, { ...context, admitted: true })
}

/** PUT namespaces/NAME/finalize: the only way to take finalizers off a namespace's spec. */
export const finalizeNamespace = async (
  registry: Registry,
  target: ObjectTarget,
  body: unknown,
  context: RequestContext,
): Promise<StoredEntry> => {
  const wanted = checkObject(body, target.kind, context)
  const version = wanted.metadata?.resourceVersion
  const finalizers = isJsonObject(wanted['spec']) ? wanted['spec']['finalizers'] : undefined
  const change = (live: UnknownObject): UnknownObject => {
    const next = cloneJson(live)
    const { finalizers: _, ...spec } = isJsonObject(next['spec']) ? next['spec'] : {}
    next['spec'] =
      Array.isArray(finalizers) && finalizers.length > 0 ? { ...spec, finalizers: cloneJson(finalizers) } : spec
    if (version !== undefined && version !== '') next.metadata = { ...next.metadata, resourceVersion: version }
    return next
  }
  return mutate(registry, target, { subresource: 'finalize', change }, context)
}
