import type { NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from 'kubernetes-types/core/v1.js'
import { matchesLabels, type LabelRequirement } from './selectors.ts'

/** Of a node, all that affinity looks at. */
export interface AffinityNode {
  name: string
  labels: Readonly<Record<string, string>>
}

const operators: ReadonlySet<string> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'])

const requirement = ({ key, operator, values }: NodeSelectorRequirement): LabelRequirement | undefined =>
  operators.has(operator) ? { key, op: operator as LabelRequirement['op'], values: values ?? [] } : undefined

const holdAll = (requirements: readonly NodeSelectorRequirement[], labels: Readonly<Record<string, string>>): boolean =>
  requirements.every(row => {
    const parsed = requirement(row)
    // An operator nobody knows can hold nowhere.
    return parsed !== undefined && matchesLabels([parsed], labels)
  })

/** A term without any requirement matches no node. */
export const matchesNodeTerm = (term: NodeSelectorTerm, node: AffinityNode): boolean => {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length + matchFields.length === 0) return false
  return holdAll(matchExpressions, node.labels) && holdAll(matchFields, { 'metadata.name': node.name })
}

/** spec.nodeSelector and the required node affinity together. */
export const matchesNodeAffinity = (spec: PodSpec | undefined, node: AffinityNode): boolean => {
  const selector = spec?.nodeSelector ?? {}
  if (!Object.entries(selector).every(([key, value]) => node.labels[key] === value)) return false
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required === undefined || required.nodeSelectorTerms.some(term => matchesNodeTerm(term, node))
}
