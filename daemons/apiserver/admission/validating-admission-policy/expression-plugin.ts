import type { UnknownObject } from '../../../../kube/object.ts'
import type { AdmissionPlugin } from '../plugin.ts'

const group = 'admissionregistration.k8s.io'
const policies = 'validatingadmissionpolicies'
const configurations = new Set(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'])

const hasConditions = (object: UnknownObject | undefined): boolean => {
  const webhooks = (object?.['webhooks'] ?? []) as readonly { matchConditions?: readonly unknown[] }[]
  return webhooks.some(({ matchConditions = [] }) => matchConditions.length > 0)
}

/**
 * The part of validation that needs CEL: the expressions of policies, and the match conditions of webhooks. A plugin,
 * because validation proper does not wait, and CEL is loaded only where somebody writes an expression.
 */
export const policyExpressionsPlugin: AdmissionPlugin = {
  name: 'PolicyExpressions',
  handles: ({ kind, subresource, operation }) =>
    kind.group === group &&
    (kind.plural === policies || configurations.has(kind.plural)) &&
    subresource === '' &&
    (operation === 'create' || operation === 'update'),
  validate: async request => {
    const ofPolicy = request.kind.plural === policies
    if (!ofPolicy && !hasConditions(request.object)) return
    const { validatePolicyExpressions, validateWebhookExpressions } = await import('./expression-validation.ts')
    if (ofPolicy) validatePolicyExpressions(request)
    else validateWebhookExpressions(request)
  },
}
