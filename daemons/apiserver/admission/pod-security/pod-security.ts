import type { Namespace, Pod } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { equalJson, isJsonObject } from '../../../../kube/patch/json-value.ts'
import { draftOf } from '../../kinds/draft.ts'
import { invalid } from '../../registry/api-errors.ts'
import { forbid } from '../forbid.ts'
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest, AdmissionRoute } from '../plugin.ts'
import { violationsOf, violationText } from './evaluate-pod.ts'
import { labelErrors, type Mode, policyOf, policyText } from './pod-policy.ts'
import type { PodLike } from './security-check.ts'

const annotationPrefix = 'pod-security.kubernetes.io/'

/** Where the template of the pods is that a workload makes. */
const templates: Readonly<Record<string, readonly string[]>> = {
  'apps/deployments': ['spec', 'template'],
  'apps/replicasets': ['spec', 'template'],
  'apps/statefulsets': ['spec', 'template'],
  'apps/daemonsets': ['spec', 'template'],
  'batch/jobs': ['spec', 'template'],
  'batch/cronjobs': ['spec', 'jobTemplate', 'spec', 'template'],
  '/replicationcontrollers': ['spec', 'template'],
  '/podtemplates': ['template'],
}

const rowOf = ({ kind }: AdmissionRoute): string => `${kind.group}/${kind.plural}`

const templateOf = (object: UnknownObject, steps: readonly string[]): PodLike | undefined => {
  let at: unknown = object
  for (const step of steps) at = isJsonObject(at) ? at[step] : undefined
  return isJsonObject(at) ? (at as PodLike) : undefined
}

type Labels = NonNullable<UnknownObject['metadata']>['labels']

const violation = (pod: PodLike, labels: Labels, mode: Mode): { text: string; policy: string } | undefined => {
  const policy = policyOf(labels, mode)
  const violations = violationsOf(pod, policy)
  if (violations.length === 0) return undefined
  const named = policyText(policy)
  return { policy: named, text: `violate PodSecurity ${JSON.stringify(named)}: ${violationText(violations)}` }
}

/** What is not enforced is told: to whoever reads the audit record, and to the client. */
const tell = (request: AdmissionRequest, pod: PodLike, labels: Labels): void => {
  const audited = violation(pod, labels, 'audit')
  if (audited !== undefined) request.annotate(`${annotationPrefix}audit-violations`, `would ${audited.text}`)
  const warned = violation(pod, labels, 'warn')
  if (warned !== undefined) request.warn(`would ${warned.text}`)
}

const validatePod = (request: AdmissionRequest, labels: Labels): void => {
  const { object, old } = request
  if (object === undefined) return
  // Labels and annotations that come and go are no reason to look at a pod that runs.
  if (old !== undefined && equalJson(object['spec'], old['spec'])) return
  const pod = draftOf<Pod>(object)
  request.annotate(`${annotationPrefix}enforce-policy`, policyText(policyOf(labels, 'enforce')))
  const refused = violation(pod, labels, 'enforce')
  if (refused !== undefined) throw forbid(request, `violates${refused.text.slice('violate'.length)}`)
  tell(request, pod, labels)
}

/** A level that becomes stricter does not stop pods that run: whoever sets it is told which would not be let in. */
const warnOfPods = (request: AdmissionRequest, labels: Labels, reader: AdmissionReader): void => {
  const policy = policyOf(labels, 'enforce')
  const byText = new Map<string, string[]>()
  for (const object of reader.list('', 'pods', request.name)) {
    const violations = violationsOf(draftOf<Pod>(object), policy)
    if (violations.length === 0) continue
    const text = violations.map(({ reason }) => reason).join(', ')
    byText.set(text, [...(byText.get(text) ?? []), object.metadata?.name ?? ''])
  }
  if (byText.size === 0) return
  const named = JSON.stringify(policyText(policy))
  request.warn(
    `existing pods in namespace ${JSON.stringify(request.name)} violate the new PodSecurity enforce level ${named}`,
  )
  for (const [text, [first = '', ...others]] of byText) {
    const more = others.length === 0 ? '' : ` (and ${others.length} other ${others.length === 1 ? 'pod' : 'pods'})`
    request.warn(`${first}${more}: ${text}`)
  }
}

const validateNamespace = (request: AdmissionRequest, reader: AdmissionReader): void => {
  const { object, old, kind, name } = request
  if (object === undefined) return
  const errors = labelErrors(object)
  const before = old === undefined ? [] : labelErrors(old)
  // What was wrong before is not held against a change of something else.
  if (errors.length > 0 && !equalJson(errors, before)) throw invalid(kind, name, errors)
  const [after, earlier] = [draftOf<Namespace>(object).metadata?.labels as Labels, old?.metadata?.labels]
  if (old === undefined || equalJson(policyOf(after, 'enforce'), policyOf(earlier, 'enforce'))) return
  warnOfPods(request, after, reader)
}

/** Holds the pods of a namespace to the level of the pod security standards that its labels name. */
export const podSecurityPlugin: AdmissionPlugin = {
  name: 'PodSecurity',
  handles: route => {
    if (route.operation !== 'create' && route.operation !== 'update') return false
    const row = rowOf(route)
    if (row === '/pods') return route.subresource === '' || route.subresource === 'ephemeralcontainers'
    return route.subresource === '' && (row === '/namespaces' || templates[row] !== undefined)
  },
  validate: (request, reader) => {
    const row = rowOf(request)
    if (row === '/namespaces') return validateNamespace(request, reader)
    const labels = reader.get('', 'namespaces', '', request.namespace)?.metadata?.labels
    if (row === '/pods') return validatePod(request, labels)
    const { object } = request
    const template = object && templateOf(object, templates[row] ?? [])
    if (template !== undefined) tell(request, template, labels)
  },
}
