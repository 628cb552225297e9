import type { UserInfo } from '../user-info.ts'

/** What a bearer token turned out to be. */
export type TokenVerdict =
  /** `audiences`: those of the token that were asked for. */
  | { kind: 'known'; user: UserInfo; audiences: readonly string[] }
  /** It is meant for somebody to know, and not valid: why. */
  | { kind: 'invalid'; error: string }
  | { kind: 'unknown' }

/** Says who shows a bearer token. Asked for requests without a certificate, at once and from memory. */
export interface TokenAuthenticator {
  /** `audiences`: who asks on behalf of whom; empty: the API server itself. */
  authenticate(token: string, audiences: readonly string[]): TokenVerdict
}

/** Asks one authenticator after the other; the first that knows the token decides, else the first complaint counts. */
export const tokenChain = (authenticators: readonly TokenAuthenticator[]): TokenAuthenticator => ({
  authenticate: (token, audiences) => {
    let complaint: TokenVerdict = { kind: 'unknown' }
    for (const authenticator of authenticators) {
      const verdict = authenticator.authenticate(token, audiences)
      if (verdict.kind === 'known') return verdict
      if (verdict.kind === 'invalid' && complaint.kind === 'unknown') complaint = verdict
    }
    return complaint
  },
})
