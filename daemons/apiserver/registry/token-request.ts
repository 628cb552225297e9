import type { TokenRequest } from 'kubernetes-types/authentication/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import { apiError } from '../../../kube/status.ts'
import { serviceAccountClaims, type ClaimsRequest } from '../auth/tokens/service-account-claims.ts'
import { type Draft, draftOf } from '../kinds/draft.ts'
import { invalid as invalidField } from '../kinds/field-error.ts'
import type { FieldError, Kind } from '../kinds/kind.ts'
import { StoredEntry } from '../store/stored-entry.ts'
import { admissionRequest, admitThen } from './admit.ts'
import { conflict, invalid, notFound } from './api-errors.ts'
import { checkObject } from './check-object.ts'
import { type ObjectTarget, type Registry, type RequestContext, timeText } from './registry.ts'

/** Enough of a row for a body of authentication.k8s.io/v1 TokenRequest to be checked by. */
const tokenRequestKind: Kind = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  plural: 'tokenrequests',
  singular: 'tokenrequest',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.authentication.v1.TokenRequest',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  columns: [],
}

/** What pods are given asks for this length: an hour, and a little that tells it apart. */
const defaultPodSeconds = 3607
const yearSeconds = 365 * 24 * 3600

type Spec = NonNullable<Draft<TokenRequest>['spec']>

const validate = ({ expirationSeconds = 3600 }: Spec): FieldError[] => {
  const field = 'spec.expirationSeconds'
  if (expirationSeconds < 600)
    return [invalidField(field, expirationSeconds, 'may not specify a duration less than 10 minutes')]
  if (expirationSeconds > 2 ** 32)
    return [invalidField(field, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')]
  return []
}

const boundClaims = { Pod: ['pod', 'pods'], Secret: ['secret', 'secrets'], Node: ['node', 'nodes'] } as const

const gvkText = (apiVersion: string, kind: string): string => {
  const [version = '', group = ''] = apiVersion.split('/').toReversed()
  return `${group}/${version}, Kind=${kind}`
}

/** The object a token is to end with. Throws ApiError BadRequest, NotFound or Conflict. */
const boundObject = (
  registry: Registry,
  { namespace, name }: ObjectTarget,
  { boundObjectRef: ref }: Spec,
): Pick<ClaimsRequest, 'bound' | 'podNode'> => {
  if (ref === undefined) return {}
  const { apiVersion = '', kind = '', name: boundName = '', uid = '' } = ref
  const known = kind === 'Pod' || kind === 'Secret' || kind === 'Node' ? boundClaims[kind] : undefined
  if (apiVersion.includes('/') || known === undefined)
    throw apiError('BadRequest', `cannot bind token to object of type ${gvkText(apiVersion, kind)}`)
  const [claim, plural] = known
  const object = registry.reader.get('', plural, claim === 'node' ? '' : namespace, boundName)
  if (object === undefined) throw notFound({ group: '', plural, kind }, boundName)
  const pod = claim === 'pod' ? draftOf<Pod>(object).spec : undefined
  if (pod !== undefined && pod.serviceAccountName !== name)
    throw apiError(
      'BadRequest',
      `cannot bind token for serviceaccount ${JSON.stringify(name)} to pod running with serviceaccount ${JSON.stringify(pod.serviceAccountName ?? '')}`,
    )
  const live = object.metadata?.uid ?? ''
  if (uid !== '' && uid !== live)
    throw conflict(
      { group: '', plural: kind, kind },
      boundName,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  const node = pod?.nodeName ?? ''
  const podNode =
    node === '' ? undefined : { name: node, uid: registry.reader.get('', 'nodes', '', node)?.metadata?.uid }
  return { bound: { claim, object }, podNode }
}

/** POST serviceaccounts/NAME/token: a token of the account, which is not kept anywhere. Throws ApiError. */
export const requestToken = async (
  registry: Registry,
  target: ObjectTarget,
  body: unknown,
  context: RequestContext,
): Promise<StoredEntry> => {
  const { kind, namespace, name } = target
  const { serviceAccountTokens: tokens } = registry
  const wanted = checkObject(body, tokenRequestKind, context)
  const account = registry.reader.get('', 'serviceaccounts', namespace, name)
  if (account === undefined) throw notFound(kind, name)
  if (tokens?.options.signingKey === undefined)
    throw apiError(
      'NotImplemented',
      'this server signs no tokens: it was started without --service-account-signing-key-file',
    )
  const parts = { subresource: 'token', namespace, name, object: wanted, objectKind: tokenRequestKind }
  const request = admissionRequest({ operation: 'create', kind, old: undefined, ...parts }, context)
  const commit = async (): Promise<StoredEntry> => {
    const object = request.object ?? wanted
    const spec = (draftOf<TokenRequest>(object).spec ??= {})
    const errors = validate(spec)
    if (errors.length > 0) throw invalid(tokenRequestKind, name, errors)
    return new StoredEntry('', 0, { object: answer(registry, tokens, { target, account, object, spec }) })
  }
  return admitThen(registry, request, { commit })
}

const answer = (
  registry: Registry,
  tokens: NonNullable<Registry['serviceAccountTokens']>,
  {
    target,
    account,
    object,
    spec,
  }: { target: ObjectTarget; account: UnknownObject; object: UnknownObject; spec: Spec },
): UnknownObject => {
  const { audiences: own, issuers, extendExpiration } = tokens.options
  const asked = spec.expirationSeconds ?? 3600
  const audiences = spec.audiences?.length ? spec.audiences.map(audience => audience ?? '') : [...own]
  const nowMs = registry.clock.now()
  const bound = boundObject(registry, target, spec)
  // Old clients never read a token twice: what pods get by default outlives its hour, and whoever uses it then is known.
  const extended =
    extendExpiration &&
    asked === defaultPodSeconds &&
    bound.bound?.claim === 'pod' &&
    audiences.every(audience => own.includes(audience))
  const claims = serviceAccountClaims({
    issuer: issuers[0] ?? '',
    account,
    ...bound,
    audiences,
    expirationSeconds: extended ? yearSeconds : asked,
    warnAfterSeconds: extended ? asked : undefined,
    nowMs,
  })
  return {
    ...object,
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: {
      ...object.metadata,
      name: target.name,
      namespace: target.namespace,
      creationTimestamp: timeText(nowMs),
    },
    spec: { ...spec, audiences, expirationSeconds: asked, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token: tokens.issue(claims), expirationTimestamp: timeText(nowMs + asked * 1000) },
  } as UnknownObject
}
