import { type Attributes, refusal } from './attributes.ts'
import type { UserInfo } from './user-info.ts'

/** What an authorizer says: `no-opinion` leaves the decision to the next one, and is a no from the last. */
export interface Verdict {
  decision: 'allow' | 'deny' | 'no-opinion'
  /** Shown to whoever is refused, and in reviews; '' for none. */
  reason: string
}

/** What a user may do in a namespace, as a SelfSubjectRulesReview shows it. */
export interface RulesOfUser {
  resourceRules: ResourceRule[]
  nonResourceRules: { verbs: string[]; nonResourceURLs: string[] }[]
  /** Not everything that is allowed is among the rules. */
  incomplete: boolean
  /** Why rules are missing. */
  evaluationError?: string
}

export interface ResourceRule {
  verbs: string[]
  apiGroups: string[]
  resources: string[]
  resourceNames?: string[]
}

/** Decides who may do what. Asked for every request: it answers at once, from memory. */
export interface Authorizer {
  authorize(user: UserInfo, wanted: Attributes): Verdict
  rulesFor(user: UserInfo, namespace: string): RulesOfUser
}

export const noOpinion: Verdict = { decision: 'no-opinion', reason: '' }
export const allowed: Verdict = { decision: 'allow', reason: '' }

const everything = (): RulesOfUser => ({
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
})

const nothing = (): RulesOfUser => ({ resourceRules: [], nonResourceRules: [], incomplete: false })

/** Mode AlwaysAllow. */
export const alwaysAllow: Authorizer = { authorize: () => allowed, rulesFor: everything }

/** Mode AlwaysDeny. */
export const alwaysDeny: Authorizer = {
  authorize: () => ({ decision: 'no-opinion', reason: 'Everything is forbidden.' }),
  rulesFor: nothing,
}

/** The group that no mode can lock out, upstream's first authorizer whatever --authorization-mode says. */
export const isPrivileged = (user: UserInfo): boolean => user.groups.includes('system:masters')

/** Asks one authorizer after the other until one allows or denies; system:masters may do everything. */
export const authorizerChain = (authorizers: readonly Authorizer[]): Authorizer => ({
  authorize: (user, wanted) => {
    if (isPrivileged(user)) return allowed
    const reasons: string[] = []
    for (const authorizer of authorizers) {
      const verdict = authorizer.authorize(user, wanted)
      if (verdict.decision !== 'no-opinion') return verdict
      if (verdict.reason !== '') reasons.push(verdict.reason)
    }
    return { decision: 'no-opinion', reason: reasons.join('\n') }
  },
  rulesFor: (user, namespace) => {
    const all = nothing()
    const errors: string[] = []
    for (const authorizer of isPrivileged(user) ? [alwaysAllow, ...authorizers] : authorizers) {
      const rules = authorizer.rulesFor(user, namespace)
      all.resourceRules.push(...rules.resourceRules)
      all.nonResourceRules.push(...rules.nonResourceRules)
      all.incomplete ||= rules.incomplete
      if (rules.evaluationError !== undefined) errors.push(rules.evaluationError)
    }
    return errors.length === 0 ? all : { ...all, evaluationError: errors.join(', ') }
  },
})

export const isAuthorized = (authorizer: Authorizer, user: UserInfo, wanted: Attributes): boolean =>
  authorizer.authorize(user, wanted).decision === 'allow'

/** Throws ApiError Forbidden in upstream's words. */
export const requireAuthorized = (authorizer: Authorizer, user: UserInfo, wanted: Attributes): void => {
  const { decision, reason } = authorizer.authorize(user, wanted)
  if (decision !== 'allow') throw refusal(user, wanted, reason)
}
