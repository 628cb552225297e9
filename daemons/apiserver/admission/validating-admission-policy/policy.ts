import type {
  MatchResources,
  NamedRuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from 'kubernetes-types/admissionregistration/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { type LabelSelector, type MetaLabelSelector, requirementsOf } from '../../../../kube/selectors.ts'
import { draftOf } from '../../kinds/draft.ts'
import type { AdmissionRule } from '../webhook/webhook.ts'

/** A rule that may be for some objects only. */
export type NamedRule = AdmissionRule & { readonly resourceNames: readonly string[] }

/** Which requests a policy or a binding is for. */
export interface PolicyMatch {
  readonly rules: readonly NamedRule[]
  readonly excluded: readonly NamedRule[]
  readonly equivalent: boolean
  readonly namespaceSelector: LabelSelector
  readonly objectSelector: LabelSelector
}

export interface Validation {
  readonly expression: string
  readonly message: string
  readonly messageExpression: string
  /** '' is Invalid. */
  readonly reason: string
}

/** A ValidatingAdmissionPolicy with what the API leaves open filled in. Another version of it is another one of these. */
export interface Policy {
  readonly name: string
  readonly match: PolicyMatch
  readonly ignoresFailure: boolean
  readonly paramKind: { readonly apiVersion: string; readonly kind: string } | undefined
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[]
  readonly variables: readonly { readonly name: string; readonly expression: string }[]
  readonly validations: readonly Validation[]
  readonly auditAnnotations: readonly { readonly key: string; readonly valueExpression: string }[]
}

export interface ParamRef {
  readonly name: string
  readonly namespace: string
  readonly selector: LabelSelector | undefined
  /** What happens where there are no parameters. */
  readonly notFound: 'Allow' | 'Deny'
}

export interface Binding {
  readonly name: string
  readonly policyName: string
  /** Undefined: whatever the policy matches. */
  readonly match: PolicyMatch | undefined
  readonly paramRef: ParamRef | undefined
  readonly actions: readonly string[]
}

const ruleOf = (rule: NamedRuleWithOperations): NamedRule => ({ ...rule, resourceNames: rule.resourceNames ?? [] })

const selectorOf = (selector: unknown): LabelSelector => requirementsOf((selector ?? {}) as MetaLabelSelector)

const matchOf = (match: MatchResources): PolicyMatch => ({
  rules: (match.resourceRules ?? []).map(ruleOf),
  excluded: (match.excludeResourceRules ?? []).map(ruleOf),
  equivalent: match.matchPolicy !== 'Exact',
  namespaceSelector: selectorOf(match.namespaceSelector),
  objectSelector: selectorOf(match.objectSelector),
})

/** From the stored object, which validation has seen. */
export const policyOf = (object: UnknownObject): Policy => {
  const spec = (draftOf<ValidatingAdmissionPolicy>(object).spec ?? {}) as NonNullable<ValidatingAdmissionPolicy['spec']>
  const { paramKind } = spec
  return {
    name: object.metadata?.name ?? '',
    match: matchOf(spec.matchConstraints ?? {}),
    ignoresFailure: spec.failurePolicy === 'Ignore',
    paramKind:
      paramKind === undefined ? undefined : { apiVersion: paramKind.apiVersion ?? '', kind: paramKind.kind ?? '' },
    matchConditions: spec.matchConditions ?? [],
    variables: spec.variables ?? [],
    validations: (spec.validations ?? []).map(({ expression, message = '', messageExpression = '', reason = '' }) => ({
      expression,
      message,
      messageExpression,
      reason,
    })),
    auditAnnotations: spec.auditAnnotations ?? [],
  }
}

export const bindingOf = (object: UnknownObject): Binding => {
  const { spec = {} } = draftOf<ValidatingAdmissionPolicyBinding>(object)
  const { paramRef, matchResources } = spec
  return {
    name: object.metadata?.name ?? '',
    policyName: spec.policyName ?? '',
    match: matchResources === undefined ? undefined : matchOf(matchResources as MatchResources),
    paramRef:
      paramRef === undefined
        ? undefined
        : {
            name: paramRef.name ?? '',
            namespace: paramRef.namespace ?? '',
            selector: paramRef.selector === undefined ? undefined : selectorOf(paramRef.selector),
            notFound: paramRef.parameterNotFoundAction === 'Allow' ? 'Allow' : 'Deny',
          },
    actions: spec.validationActions ?? [],
  }
}
