import type { GroupVersionKind } from '../../../../kube/resource.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { isJsonObject, type JsonObject } from '../../../../kube/patch/json-value.ts'
import type { Status } from '../../../../kube/status.ts'
import type { Kind } from '../../kinds/kind.ts'
import { namespaceOf } from '../match-selectors.ts'
import type { AdmissionRequest } from '../plugin.ts'
import type { WebhookType } from './webhook.ts'

/** What a webhook has answered, once it has been checked. */
export interface ReviewAnswer {
  allowed: boolean
  status: Partial<Status> | undefined
  /** Undefined: nothing is to be changed. */
  patch: unknown
  warnings: readonly string[]
  auditAnnotations: Readonly<Record<string, string>>
}

/** The request as a webhook is shown it: through the version its rule names. */
export interface ShownRequest {
  request: AdmissionRequest
  /** The row the rule matched: another version of the request's own, where matchPolicy let it. */
  row: Kind
  object: UnknownObject | undefined
  old: UnknownObject | undefined
}

const reviewKind = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' }

const gvk = ({ group, version, kind }: GroupVersionKind) => ({ group, version, kind })
const gvr = ({ group, version, plural }: Kind) => ({ group, version, resource: plural })

/** Who asks, as authentication/v1 UserInfo. */
const userInfo = ({ user }: AdmissionRequest): JsonObject => {
  const { name, groups, uid, extra } = user as typeof user & {
    uid?: string
    extra?: Readonly<Record<string, readonly string[]>>
  }
  return {
    username: name,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    groups,
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  }
}

/** A name that the server is only about to generate is not shown yet. */
const shownName = ({ name, operation, object }: AdmissionRequest, type: WebhookType): string => {
  const prefix = object?.metadata?.generateName
  return type === 'admit' && operation === 'create' && prefix && name.startsWith(prefix) ? '' : name
}

/** admission.k8s.io/v1 AdmissionReview. */
export const reviewOf = (uid: string, { request, row, object, old }: ShownRequest, type: WebhookType): JsonObject => {
  const { operation, kind, subresource, objectKind, dryRun } = request
  const subResource = subresource === '' ? {} : { subResource: subresource }
  const options = request.options()
  const name = shownName(request, type)
  const namespace = namespaceOf(request)
  return {
    ...reviewKind,
    request: {
      uid,
      kind: gvk(objectKind ?? row),
      resource: gvr(row),
      ...subResource,
      requestKind: gvk(objectKind ?? kind),
      requestResource: gvr(kind),
      ...(subresource === '' ? {} : { requestSubResource: subresource }),
      ...(name === '' ? {} : { name }),
      ...(namespace === '' ? {} : { namespace }),
      operation: operation.toUpperCase(),
      userInfo: userInfo(request),
      object: object ?? null,
      oldObject: old ?? null,
      dryRun,
      options: Object.keys(options).length === 0 ? null : options,
    },
  }
}

/** Go prints a GroupVersionKind so. */
const kindText = (apiVersion: unknown, kind: unknown): string => `${String(apiVersion)}, Kind=${String(kind)}`

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const patchOf = ({ patch, patchType }: JsonObject, type: WebhookType): unknown => {
  const encoded = textOf(patch)
  if (type === 'validating') {
    if (encoded !== '') throw new Error('validating webhook may not return response.patch')
    if (patchType !== undefined && patchType !== null)
      throw new Error('validating webhook may not return response.patchType')
    return undefined
  }
  const typed = patchType !== undefined && patchType !== null
  if (encoded === '') {
    if (typed) throw new Error('webhook returned response.patchType but not response.patch')
    return undefined
  }
  if (!typed) throw new Error('webhook returned response.patch but not response.patchType')
  if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""')
  if (patchType !== 'JSONPatch') throw new Error(`unsupported patch type ${JSON.stringify(patchType)}`)
  return JSON.parse(Buffer.from(encoded, 'base64').toString()) as unknown
}

const recordOf = (value: unknown): Record<string, string> =>
  isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)])) : {}

/** Checks an answer against the question. Throws Error, in upstream's words, where it cannot be one to it. */
export const answerOf = (review: unknown, uid: string, type: WebhookType): ReviewAnswer => {
  const { apiVersion, kind, response } = isJsonObject(review) ? review : {}
  if (!isJsonObject(response)) throw new Error('webhook response was absent')
  if (response['uid'] !== uid)
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textOf(response['uid']))}`)
  if (apiVersion !== reviewKind.apiVersion || kind !== reviewKind.kind)
    throw new Error(
      `expected webhook response of ${kindText(reviewKind.apiVersion, reviewKind.kind)}, got ${kindText(apiVersion, kind)}`,
    )
  const warnings = Array.isArray(response['warnings'])
    ? response['warnings'].filter(text => typeof text === 'string')
    : []
  return {
    allowed: response['allowed'] === true,
    status: isJsonObject(response['status']) ? (response['status'] as Partial<Status>) : undefined,
    patch: patchOf(response, type),
    warnings,
    auditAnnotations: recordOf(response['auditAnnotations']),
  }
}
