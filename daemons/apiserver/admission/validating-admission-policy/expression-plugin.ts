import { writes } from '../forbid.ts'
import type { AdmissionPlugin } from '../plugin.ts'

/**
 * The part of a policy's validation that needs CEL: a plugin, because validation proper does not wait, and CEL is loaded
 * only where somebody writes an expression.
 */
export const policyExpressionsPlugin: AdmissionPlugin = {
  name: 'PolicyExpressions',
  handles: route =>
    writes(route, 'admissionregistration.k8s.io', 'validatingadmissionpolicies') &&
    (route.operation === 'create' || route.operation === 'update'),
  validate: async request => {
    const { validatePolicyExpressions } = await import('./expression-validation.ts')
    validatePolicyExpressions(request)
  },
}
