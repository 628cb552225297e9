import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { apiVersionOf } from '../../../kube/resource.ts'
import { apiError, type Status } from '../../../kube/status.ts'
import { forbidden } from '../kinds/field-error.ts'
import type { Kind } from '../kinds/kind.ts'
import { notImplemented } from '../registry/api-errors.ts'
import { getComputed, listComputed } from '../registry/computed-objects.ts'
import { createObject } from '../registry/create-object.ts'
import { deleteCollection, deleteObject } from '../registry/delete-object.ts'
import { patchObject } from '../registry/patch-object.ts'
import { evictPod } from '../registry/evict-pod.ts'
import { bindPod, finalizeNamespace } from '../registry/pod-actions.ts'
import { getObject, listObjects } from '../registry/read-objects.ts'
import type { ObjectTarget, Registry, RequestContext } from '../registry/registry.ts'
import { answerReview } from '../registry/review.ts'
import { getScale, patchScale, updateScale } from '../registry/scale.ts'
import { requestToken } from '../registry/token-request.ts'
import { updateObject } from '../registry/update-object.ts'
import type { StoredEntry } from '../store/stored-entry.ts'
import { decodeBody, decodePatch } from './decode-body.ts'
import { successStatus } from './failure-status.ts'
import { contentTypes, negotiate, negotiateStream, type Representation } from './negotiate.ts'
import { refuseOptions } from './option-errors.ts'
import { ListPieces } from './list-pieces.ts'
import { encodeEntry, encodeList, type IncludeObject, offerOf, type View } from './represent.ts'
import {
  booleanOf,
  contextOf,
  deleteRequestOf,
  listRequestOf,
  type RestReply,
  type RestRequest,
} from './rest-request.ts'

/** What an operation gives before it is put into the form the client wants. */
type Outcome =
  | { form: 'entry'; entry: StoredEntry; status: number; kind?: 'Scale' | 'TokenRequest' }
  | { form: 'list'; list: Parameters<typeof encodeList>[1] }
  | { form: 'status'; status: number; body: Status }

const includes = ['None', 'Metadata', 'Object']

const withOptions = (registry: Registry, representation: Representation, query: URLSearchParams): View => {
  const include = query.get('includeObject') ?? 'Metadata'
  if (!includes.includes(include))
    throw apiError('BadRequest', `Invalid includeObject value: ${JSON.stringify(include)}`)
  return { ...representation, includeObject: include as IncludeObject, nowMs: registry.clock.now() }
}

type Asked = Pick<RestRequest, 'accept' | 'query' | 'kind'>

/** How a watch is to be sent. Throws ApiError NotAcceptable. */
export const streamViewOf = (registry: Registry, { accept, query, kind }: Asked): View =>
  withOptions(registry, negotiateStream(accept, offerOf(kind)), query)

const viewOf = (registry: Registry, { accept, query, kind }: Asked): View =>
  withOptions(registry, negotiate(accept, offerOf(kind)), query)

/** Browsers and curl are read by people; everything else says when it wants indentation. */
export const wantsPretty = (query: URLSearchParams, userAgent: string | undefined): boolean => {
  const asked = query.get('pretty') ?? ''
  return asked === '' ? /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent ?? '') : /^(1|t|T|TRUE|true|True)$/.test(asked)
}

const methodNotAllowed = (): never => {
  throw apiError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
}

/** Kinds that a subresource takes in its body, of whichever object it is. */
const bodyKinds: Readonly<Record<string, { apiVersion: string; kind: string }>> = {
  scale: { apiVersion: 'autoscaling/v1', kind: 'Scale' },
  eviction: { apiVersion: 'policy/v1', kind: 'Eviction' },
  binding: { apiVersion: 'v1', kind: 'Binding' },
  token: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
}
const deleteOptions = { apiVersion: 'v1', kind: 'DeleteOptions' }

const decoded = async (request: RestRequest, context: RequestContext): Promise<[unknown, RequestContext]> => {
  const { body, contentType, kind, method, path } = request
  const own = method === 'DELETE' ? deleteOptions : bodyKinds[path.subresource]
  // A kind of Kubernetes' own has a message, on whatever it acts.
  const protobuf = own !== undefined || offerOf(kind).protobuf
  const expected = own ?? { apiVersion: apiVersionOf(kind), kind: kind.kind }
  const { value, findings } = await decodeBody(body, contentType, { expected, protobuf })
  return [value, { ...context, decodeFindings: findings }]
}

const onCollection = async (
  registry: Registry,
  target: ObjectTarget,
  request: RestRequest,
  context: RequestContext,
): Promise<Outcome> => {
  const { kind, namespace } = target
  // Upstream changes nothing in all namespaces at once, nor does it delete namespaces but one by one.
  const readOnly = kind.namespaced && namespace === ''
  if ((readOnly && request.method !== 'GET') || (request.method === 'DELETE' && kind.plural === 'namespaces'))
    return methodNotAllowed()
  switch (request.method) {
    case 'GET':
      return { form: 'list', list: await listObjects(registry, target, listRequestOf(request.query)) }
    case 'POST': {
      const [body, full] = await decoded(request, context)
      return { form: 'entry', status: 201, entry: await createObject(registry, target, body, full) }
    }
    case 'DELETE': {
      const options = deleteRequestOf(
        request.query,
        request.body.length === 0 ? undefined : (await decoded(request, context))[0],
      )
      const list = listRequestOf(request.query)
      const full = { ...context, dryRun: options.dryRun }
      return { form: 'list', list: await deleteCollection(registry, target, { list, options }, full) }
    }
    default:
      return methodNotAllowed()
  }
}

const onObject = async (
  registry: Registry,
  target: ObjectTarget & { subresource: string },
  request: RestRequest,
  context: RequestContext,
): Promise<Outcome> => {
  switch (request.method) {
    case 'GET': {
      const version = request.query.get('resourceVersion') ?? undefined
      return { form: 'entry', status: 200, entry: await getObject(registry, target, version) }
    }
    case 'PUT': {
      const { entry, created } = await updateObject(registry, target, ...(await decoded(request, context)))
      return { form: 'entry', status: created ? 201 : 200, entry }
    }
    case 'PATCH': {
      const { type, value, findings } = await decodePatch(request.body, request.contentType)
      if (type !== 'apply' && request.query.has('force'))
        refuseOptions('PatchOptions', [forbidden('force', 'may not be specified for non-apply patch')])
      const force = booleanOf(request.query, 'force') ?? false
      const fieldManager = type === 'apply' ? (request.query.get('fieldManager') ?? '') : context.fieldManager
      const full = { ...context, fieldManager, decodeFindings: findings }
      const { entry, created } = await patchObject(registry, target, { type, value, force }, full)
      return { form: 'entry', status: created ? 201 : 200, entry }
    }
    case 'DELETE':
      return target.subresource === '' ? onDelete(registry, target, request, context) : methodNotAllowed()
    default:
      return methodNotAllowed()
  }
}

const onDelete = async (
  registry: Registry,
  target: ObjectTarget,
  request: RestRequest,
  context: RequestContext,
): Promise<Outcome> => {
  const options = deleteRequestOf(
    request.query,
    request.body.length === 0 ? undefined : (await decoded(request, context))[0],
  )
  const { gone, entry } = await deleteObject(registry, target, options, { ...context, dryRun: options.dryRun })
  if (!gone) return { form: 'entry', status: 200, entry }
  const { group, plural } = target.kind
  const uid = entry.object.metadata?.uid ?? ''
  const details = { name: target.name, ...(group === '' ? {} : { group }), kind: plural, uid }
  return { form: 'status', status: 200, body: successStatus(details) }
}

const onScale = async (
  registry: Registry,
  target: ObjectTarget,
  request: RestRequest,
  context: RequestContext,
): Promise<Outcome> => {
  switch (request.method) {
    case 'GET':
      return { form: 'entry', kind: 'Scale', status: 200, entry: await getScale(registry, target) }
    case 'PUT': {
      const entry = await updateScale(registry, target, ...(await decoded(request, context)))
      return { form: 'entry', kind: 'Scale', status: 200, entry }
    }
    case 'PATCH': {
      const { type, value, findings } = await decodePatch(request.body, request.contentType)
      const fieldManager = type === 'apply' ? (request.query.get('fieldManager') ?? '') : context.fieldManager
      const full = { ...context, fieldManager, decodeFindings: findings }
      const patch = { type, value, force: booleanOf(request.query, 'force') ?? false }
      return { form: 'entry', kind: 'Scale', status: 200, entry: await patchScale(registry, target, patch, full) }
    }
    default:
      return methodNotAllowed()
  }
}

const onAction = async (
  registry: Registry,
  target: ObjectTarget & { subresource: string },
  request: RestRequest,
  context: RequestContext,
): Promise<Outcome> => {
  const { subresource, kind } = target
  if (!kind.subresources.includes(subresource))
    throw apiError('NotFound', 'the server could not find the requested resource')
  if (subresource === 'finalize') {
    if (request.method !== 'PUT') return methodNotAllowed()
    const entry = await finalizeNamespace(registry, target, ...(await decoded(request, context)))
    return { form: 'entry', status: 200, entry }
  }
  if (subresource === 'token') {
    if (request.method !== 'POST') return methodNotAllowed()
    const entry = await requestToken(registry, target, ...(await decoded(request, context)))
    return { form: 'entry', kind: 'TokenRequest', status: 201, entry }
  }
  const action = subresource === 'binding' ? bindPod : subresource === 'eviction' ? evictPod : undefined
  if (action === undefined) throw notImplemented(kind, subresource)
  if (request.method !== 'POST') return methodNotAllowed()
  await action(registry, target, ...(await decoded(request, context)))
  return { form: 'status', status: 201, body: { ...successStatus(), code: 201 } }
}

const onReview = async (
  registry: Registry,
  target: ObjectTarget,
  request: RestRequest,
  context: RequestContext,
): Promise<Outcome> => {
  if (target.name !== '' || request.method !== 'POST') return methodNotAllowed()
  return { form: 'entry', status: 201, entry: answerReview(registry, target, ...(await decoded(request, context))) }
}

/** What is looked up can only be read. */
const onComputed = async (registry: Registry, target: ObjectTarget, request: RestRequest): Promise<Outcome> => {
  if (request.method !== 'GET' || request.path.subresource !== '') return methodNotAllowed()
  if (target.name === '')
    return { form: 'list', list: await listComputed(registry, target, listRequestOf(request.query)) }
  return { form: 'entry', status: 200, entry: await getComputed(registry, target) }
}

/** A Binding that is created in a namespace: as if it had been created in the pod it names. */
const onOrder = async (
  registry: Registry,
  target: ObjectTarget,
  request: RestRequest,
  context: RequestContext,
): Promise<Outcome> => {
  const pods = registry.kind('', 'v1', 'pods')
  if (request.method !== 'POST' || target.name !== '' || target.namespace === '' || pods === undefined)
    return methodNotAllowed()
  const [body, full] = await decoded(request, context)
  const name = isJsonObject(body) && isJsonObject(body['metadata']) ? body['metadata']['name'] : undefined
  if (typeof name !== 'string' || name === '') throw apiError('BadRequest', 'name is required')
  await bindPod(registry, { ...target, kind: pods, name }, body, full)
  return { form: 'status', status: 201, body: { ...successStatus(), code: 201 } }
}

const perform = (registry: Registry, request: RestRequest, context: RequestContext): Promise<Outcome> => {
  const { path, kind } = request
  const target = { kind, namespace: path.namespace, name: path.name, subresource: path.subresource }
  if (kind.review !== undefined) return onReview(registry, target, request, context)
  if (kind.computed !== undefined) return onComputed(registry, target, request)
  if (kind.orders !== undefined) return onOrder(registry, target, request, context)
  if (path.name === '') return onCollection(registry, target, request, context)
  if (path.subresource === '') return onObject(registry, target, request, context)
  if (path.subresource === 'status' && kind.hasStatus) return onObject(registry, target, request, context)
  if (path.subresource === 'scale' && kind.scale !== undefined) return onScale(registry, target, request, context)
  if (kind.parts?.[path.subresource] !== undefined) return onObject(registry, target, request, context)
  return onAction(registry, target, request, context)
}

const encode = (kind: Kind, outcome: Outcome, view: View): Buffer | ListPieces => {
  switch (outcome.form) {
    case 'status':
      return Buffer.from(JSON.stringify(outcome.body))
    case 'list':
      return encodeList(kind, outcome.list, view)
    case 'entry':
      return outcome.kind !== undefined ? outcome.entry.bytes : encodeEntry(kind, outcome.entry, view)
  }
}

/** What most clients never ask for is loaded when one does. */
const encodeProtobuf = async (kind: Kind, outcome: Outcome, view: View): Promise<Buffer> => {
  const protobuf = await import('./represent-protobuf.ts')
  switch (outcome.form) {
    case 'status':
      return protobuf.encodeProtobufStatus(outcome.body)
    case 'list':
      return protobuf.encodeProtobufList(kind, outcome.list, view)
    case 'entry':
      return protobuf.encodeProtobufEntry(outcome.entry, view)
  }
}

/** Everything but watches and streams: a request in, the whole answer out. Failures are thrown as ApiError or SkiffError. */
export const handleRequest = async (registry: Registry, request: RestRequest): Promise<RestReply> => {
  const { kind } = request
  const warnings = request.warnings ?? []
  if (kind.deprecation !== undefined) warnings.push(kind.deprecation)
  const view = viewOf(registry, request)
  const outcome = await perform(registry, request, contextOf(request, warnings))
  const status = outcome.form === 'list' ? 200 : outcome.status
  const contentType = contentTypes[view.media]
  if (view.media === 'protobuf')
    return { status, contentType, body: await encodeProtobuf(kind, outcome, view), warnings }
  const body = encode(kind, outcome, view)
  const parsed = () => JSON.parse(String(body instanceof ListPieces ? body.whole() : body)) as unknown
  if (view.media === 'yaml')
    return { status, contentType, body: Buffer.from((await import('yaml')).stringify(parsed())), warnings }
  if (view.pretty || wantsPretty(request.query, request.userAgent))
    return { status, contentType, body: Buffer.from(`${JSON.stringify(parsed(), null, 2)}\n`), warnings }
  return { status, contentType, body, warnings }
}
