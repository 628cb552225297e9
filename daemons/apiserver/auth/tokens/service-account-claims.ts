import { randomUUID } from 'node:crypto'
import type { UnknownObject } from '../../../../kube/object.ts'
import type { TokenClaims } from '../../../../kube/json-web-token.ts'
import { serviceAccountName } from '../user-info.ts'

/** Name and uid of something a token speaks of. */
export interface ClaimedObject {
  name: string
  uid: string
}

/** The claim `kubernetes.io` of a bound token. */
export interface PrivateClaims {
  namespace: string
  serviceaccount: ClaimedObject
  pod?: ClaimedObject
  secret?: ClaimedObject
  node?: Partial<ClaimedObject> & { name: string }
  /** Seconds since 1970: from here on the token should have been replaced, though it still holds. */
  warnafter?: number
}

export interface ClaimsRequest {
  issuer: string
  account: UnknownObject
  /** What the token ends with. */
  bound?: { claim: 'pod' | 'secret' | 'node'; object: UnknownObject } | undefined
  /** The node of a bound pod. */
  podNode?: { name: string; uid: string | undefined } | undefined
  audiences: readonly string[]
  /** How long it holds, and from when on its use is worth a warning. */
  expirationSeconds: number
  warnAfterSeconds?: number | undefined
  nowMs: number
}

const claimed = ({ metadata }: UnknownObject): ClaimedObject => ({
  name: metadata?.name ?? '',
  uid: metadata?.uid ?? '',
})

/** The claims of a token that the API server issues (upstream's serviceaccount.Claims). */
export const serviceAccountClaims = (request: ClaimsRequest): TokenClaims => {
  const { account, bound, podNode, warnAfterSeconds } = request
  const now = Math.floor(request.nowMs / 1000)
  const { namespace = '', name = '' } = account.metadata ?? {}
  const own: PrivateClaims = {
    namespace,
    serviceaccount: claimed(account),
    ...(bound === undefined ? {} : { [bound.claim]: claimed(bound.object) }),
    ...(podNode === undefined
      ? {}
      : { node: { name: podNode.name, ...(podNode.uid === undefined ? {} : { uid: podNode.uid }) } }),
    ...(warnAfterSeconds === undefined ? {} : { warnafter: now + warnAfterSeconds }),
  }
  return {
    aud: request.audiences,
    exp: now + request.expirationSeconds,
    iat: now,
    iss: request.issuer,
    jti: randomUUID(),
    'kubernetes.io': own,
    nbf: now,
    sub: serviceAccountName(namespace, name),
  }
}
