import type { AdmissionRequest } from './plugin.ts'
import type { AdmissionRule } from './webhook/webhook.ts'

/** Where a request goes, as rules name it. */
export interface RuleTarget {
  group: string
  version: string
  plural: string
  subresource: string
}

const holds = (wanted: readonly string[] | undefined, value: string): boolean =>
  wanted !== undefined && (wanted.includes('*') || wanted.includes(value))

const resourceHolds = (wanted: readonly string[] | undefined, { plural, subresource }: RuleTarget): boolean =>
  (wanted ?? []).some(text => {
    const slash = text.indexOf('/')
    const resource = slash < 0 ? text : text.slice(0, slash)
    const part = slash < 0 ? '' : text.slice(slash + 1)
    return (resource === '*' || resource === plural) && (part === '*' || part === subresource)
  })

/** Objects of kind Namespace are told with their own name as the namespace, and still belong to the cluster. */
const scopeHolds = (scope: string | undefined, { kind, namespace }: Pick<AdmissionRequest, 'kind' | 'namespace'>) => {
  if (scope === undefined || scope === '*') return true
  const namespaced = namespace !== '' && !(kind.group === '' && kind.plural === 'namespaces')
  return scope === 'Namespaced' ? namespaced : !namespaced
}

/** Whether a rule is for this request, seen as one for `target`. */
export const ruleMatches = (
  rule: AdmissionRule,
  request: Pick<AdmissionRequest, 'operation' | 'kind' | 'namespace'>,
  target: RuleTarget,
): boolean =>
  scopeHolds(rule.scope, request) &&
  holds(rule.operations, request.operation.toUpperCase()) &&
  holds(rule.apiGroups, target.group) &&
  holds(rule.apiVersions, target.version) &&
  resourceHolds(rule.resources, target)

const configuring = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
])

/** What configures admission is not subject to it: a bad webhook could not be taken away again. */
export const isExempt = ({ kind }: Pick<AdmissionRequest, 'kind'>): boolean =>
  kind.group === 'admissionregistration.k8s.io' && configuring.has(kind.plural)
