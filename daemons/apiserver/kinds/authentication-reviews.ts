import type { TokenReview } from 'kubernetes-types/authentication/v1.js'
import type { TokenVerdict } from '../auth/tokens/token-authenticator.ts'
import type { UserInfo } from '../auth/user-info.ts'
import { apiError } from '../../../kube/status.ts'
import { draftOf } from './draft.ts'
import type { Kind } from './kind.ts'
import { reviewRow } from './review-row.ts'

const group = 'authentication.k8s.io'

/** authentication.k8s.io's UserInfo. */
const userStatus = ({ name, uid, groups, extra }: UserInfo) => ({
  username: name,
  ...(uid === undefined ? {} : { uid }),
  groups: [...groups],
  ...(extra === undefined ? {} : { extra }),
})

const tokenStatus = (verdict: TokenVerdict) => {
  switch (verdict.kind) {
    case 'known':
      return { authenticated: true, user: userStatus(verdict.user), audiences: [...verdict.audiences] }
    case 'invalid':
      return { user: {}, error: verdict.error }
    case 'unknown':
      return { user: {} }
  }
}

/** `kubectl auth whoami` */
const subjectReview: Kind = {
  ...reviewRow,
  group,
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  schema: 'io.k8s.api.authentication.v1.SelfSubjectReview',
  review: (review, { user }) => ({ ...review, status: { userInfo: userStatus(user) } }),
}

/** Whose a bearer token is; asked by servers that leave authentication to this one. */
const tokenReview: Kind = {
  ...reviewRow,
  group,
  kind: 'TokenReview',
  plural: 'tokenreviews',
  singular: 'tokenreview',
  schema: 'io.k8s.api.authentication.v1.TokenReview',
  review: (review, { tokens }) => {
    const { token = '', audiences = [] } = draftOf<TokenReview>(review).spec ?? {}
    if (token === '') throw apiError('BadRequest', 'token is required for TokenReview in authentication')
    const wanted = audiences.map(audience => audience ?? '')
    return { ...review, status: tokenStatus(tokens.authenticate(token, wanted)) }
  },
}

export const authenticationReviewKinds: readonly Kind[] = [subjectReview, tokenReview]
