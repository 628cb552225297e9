import type { Clock } from '../../../../kube/clock.ts'
import {
  decodeToken,
  isSignedBy,
  signToken,
  type DecodedToken,
  type TokenClaims,
  type TokenKey,
} from '../../../../kube/json-web-token.ts'
import type { AdmissionReader } from '../../admission/plugin.ts'
import { serviceAccountGroups, serviceAccountName, type UserInfo } from '../user-info.ts'
import type { ClaimedObject, PrivateClaims } from './service-account-claims.ts'
import type { TokenAuthenticator, TokenVerdict } from './token-authenticator.ts'

/** The issuer of the tokens that the tokens controller puts into Secrets. */
export const legacyIssuer = 'kubernetes/serviceaccount'
/** Clocks may differ by so much (go-jose's default); what is being deleted is good for as long. */
const leewayMs = 60_000
/** How long a good answer is kept, and how many. */
const cacheMs = 10_000
const cacheSize = 4096

export interface ServiceAccountTokenOptions {
  /** The first issues; tokens of all are accepted. */
  issuers: readonly string[]
  /** Who the API server is, to tokens. */
  audiences: readonly string[]
  /** undefined: tokens are only checked. */
  signingKey: TokenKey | undefined
  keys: readonly TokenKey[]
  /** A token of the length that pods get by default holds for a year, and tells from when on it should not be used. */
  extendExpiration: boolean
  reader: Pick<AdmissionReader, 'get'>
  clock: Clock
}

class InvalidToken extends Error {}

const quotedList = (list: readonly string[]): string => `[${list.map(text => JSON.stringify(text)).join(' ')}]`

const audienceOf = (claims: TokenClaims): string[] => {
  const { aud } = claims
  return typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud.map(String) : []
}

const secondsOf = (claims: TokenClaims, name: string): number | undefined => {
  const value = claims[name]
  return typeof value === 'number' ? value : undefined
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const objectClaim = (value: unknown): ClaimedObject | undefined =>
  isRecord(value) ? { name: String(value['name'] ?? ''), uid: String(value['uid'] ?? '') } : undefined

const privateClaims = (claims: TokenClaims): PrivateClaims | undefined => {
  const own = claims['kubernetes.io']
  if (!isRecord(own)) return undefined
  const [serviceaccount, pod, secret, node] = ['serviceaccount', 'pod', 'secret', 'node'].map(name =>
    objectClaim(own[name]),
  )
  if (serviceaccount === undefined) return undefined
  return {
    namespace: String(own['namespace'] ?? ''),
    serviceaccount,
    ...(pod === undefined ? {} : { pod }),
    ...(secret === undefined ? {} : { secret }),
    ...(node === undefined ? {} : { node }),
  }
}

/** Issues the tokens of service accounts and knows them again; synchronous, and a known token is not checked twice in 10 seconds. */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly options: ServiceAccountTokenOptions
  readonly #cache = new Map<string, { verdict: TokenVerdict; untilMs: number }>()

  constructor(options: ServiceAccountTokenOptions) {
    this.options = options
  }

  /** undefined: there is no key to sign with. */
  issue(claims: TokenClaims): string | undefined {
    const { signingKey } = this.options
    return signingKey && signToken(signingKey, claims)
  }

  authenticate(token: string, audiences: readonly string[]): TokenVerdict {
    const now = this.options.clock.now()
    const key = audiences.length === 0 ? token : `${token} ${JSON.stringify(audiences)}`
    const cached = this.#cache.get(key)
    if (cached !== undefined && cached.untilMs > now) return cached.verdict
    this.#cache.delete(key)
    const decoded = decodeToken(token)
    const issuer = decoded?.claims['iss']
    if (decoded === undefined || typeof issuer !== 'string') return { kind: 'unknown' }
    if (issuer !== legacyIssuer && !this.options.issuers.includes(issuer)) return { kind: 'unknown' }
    try {
      const verdict = this.#check(token, decoded, audiences)
      for (const oldest of this.#cache.keys()) {
        if (this.#cache.size < cacheSize) break
        this.#cache.delete(oldest)
      }
      this.#cache.set(key, { verdict, untilMs: now + cacheMs })
      return verdict
    } catch (error) {
      if (error instanceof InvalidToken) return { kind: 'invalid', error: error.message }
      throw error
    }
  }

  #check(token: string, decoded: DecodedToken, asked: readonly string[]): TokenVerdict {
    const { keys, audiences: own } = this.options
    const { kid } = decoded.header
    const fitting = keys.filter(key => kid === undefined || kid === '' || key.kid === kid)
    if (fitting.length === 0) throw new InvalidToken('invalid signature, no keys found')
    if (!fitting.some(key => isSignedBy(decoded, key)))
      throw new InvalidToken('go-jose/go-jose: error in cryptographic primitive')
    const { claims } = decoded
    const claimedAudiences = audienceOf(claims)
    const held = claimedAudiences.length === 0 ? own : claimedAudiences
    const wanted = asked.length === 0 ? own : asked
    const audiences = held.filter(audience => wanted.includes(audience))
    if (audiences.length === 0)
      throw new InvalidToken(
        `token audiences ${quotedList(held)} is invalid for the target audiences ${quotedList(wanted)}`,
      )
    const user = claims['iss'] === legacyIssuer ? this.#legacyUser(token, claims) : this.#boundUser(claims)
    return { kind: 'known', user, audiences }
  }

  #checkTime(claims: TokenClaims): void {
    const now = this.options.clock.now()
    const [exp, nbf] = [secondsOf(claims, 'exp'), secondsOf(claims, 'nbf')]
    if (nbf !== undefined && now + leewayMs < nbf * 1000)
      throw new InvalidToken('service account token is not valid yet')
    if (exp !== undefined && now - leewayMs > exp * 1000) throw new InvalidToken('service account token has expired')
  }

  /** The uid of an object that is there and not on its way out. */
  #uid(plural: string, namespace: string, name: string): string | undefined {
    const metadata = this.options.reader.get('', plural, namespace, name)?.metadata
    const deletedMs = Date.parse(metadata?.deletionTimestamp ?? '')
    return deletedMs < this.options.clock.now() - leewayMs ? undefined : metadata?.uid
  }

  #checkAccount(namespace: string, { name, uid }: ClaimedObject): void {
    const live = this.#uid('serviceaccounts', namespace, name)
    if (live === undefined) throw new InvalidToken(`serviceaccounts ${JSON.stringify(name)} not found`)
    if (live !== uid) throw new InvalidToken(`service account UID (${live}) does not match claim (${uid})`)
  }

  #checkBound(plural: 'pods' | 'secrets' | 'nodes', namespace: string, { name, uid }: ClaimedObject): void {
    const live = this.#uid(plural, namespace, name)
    if (live === undefined) throw new InvalidToken('service account token has been invalidated')
    if (live === uid) return
    const kind = plural.slice(0, -1)
    const text = kind === 'secret' ? 'Secret' : kind
    throw new InvalidToken(`${text} UID (${live}) does not match service account ${kind} ref claim (${uid})`)
  }

  #boundUser(claims: TokenClaims): UserInfo {
    const own = privateClaims(claims)
    if (own === undefined) throw new InvalidToken('service account token claims could not be validated')
    this.#checkTime(claims)
    const { namespace, serviceaccount, pod, secret, node } = own
    this.#checkAccount(namespace, serviceaccount)
    if (secret !== undefined) this.#checkBound('secrets', namespace, secret)
    if (pod !== undefined) this.#checkBound('pods', namespace, pod)
    // The node of a pod is only told: the pod may have been bound before its Node was made anew.
    else if (node !== undefined) this.#checkBound('nodes', '', { name: node.name, uid: node.uid ?? '' })
    const told: [string, string | undefined][] = [
      ['credential-id', typeof claims['jti'] === 'string' ? `JTI=${claims['jti']}` : undefined],
      ['pod-name', pod?.name],
      ['pod-uid', pod?.uid],
      ['node-name', node?.name],
      ['node-uid', node?.uid],
    ]
    const extra = told.flatMap(([name, value]) => (value ? [[`authentication.kubernetes.io/${name}`, [value]]] : []))
    return userOf(namespace, serviceaccount, Object.fromEntries(extra) as Record<string, string[]>)
  }

  /** A token out of a Secret: it is good as long as the Secret still holds it. */
  #legacyUser(token: string, claims: TokenClaims): UserInfo {
    const text = (name: string) => {
      const value = claims[`kubernetes.io/serviceaccount/${name}`]
      return typeof value === 'string' ? value : ''
    }
    const [namespace, secret] = [text('namespace'), text('secret.name')]
    const account = { name: text('service-account.name'), uid: text('service-account.uid') }
    if (claims['sub'] !== serviceAccountName(namespace, account.name))
      throw new InvalidToken('sub claim is missing or does not match')
    const data = this.options.reader.get('', 'secrets', namespace, secret)?.['data']
    if (this.#uid('secrets', namespace, secret) === undefined || !isRecord(data))
      throw new InvalidToken('service account token has been invalidated')
    if (Buffer.from(String(data['token'] ?? ''), 'base64').toString() !== token)
      throw new InvalidToken(`token does not match server's copy`)
    this.#checkAccount(namespace, account)
    return userOf(namespace, account, {})
  }
}

const userOf = (namespace: string, { name, uid }: ClaimedObject, extra: Record<string, string[]>): UserInfo => ({
  name: serviceAccountName(namespace, name),
  uid,
  groups: [...serviceAccountGroups(namespace), 'system:authenticated'],
  ...(Object.keys(extra).length === 0 ? {} : { extra }),
})
