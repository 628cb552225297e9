import type { NodeSelectorRequirement, NodeSelectorTerm, Pod } from 'kubernetes-types/core/v1.js'
import { matchesLabels, type LabelRequirement } from '../../../kube/selectors.ts'
import type { NodeInfo } from '../framework/node-info.ts'
import { FITS, normalize, type FilterPlugin, type ScorePlugin } from '../framework/plugin.ts'

const REFUSED = ["node(s) didn't match Pod's node affinity/selector"]
const OPERATORS: ReadonlySet<string> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'])

const requirement = ({ key, operator, values }: NodeSelectorRequirement): LabelRequirement | undefined =>
  OPERATORS.has(operator) ? { key, op: operator as LabelRequirement['op'], values: values ?? [] } : undefined

const holdAll = (requirements: readonly NodeSelectorRequirement[], labels: Readonly<Record<string, string>>): boolean =>
  requirements.every(row => {
    const parsed = requirement(row)
    // An operator nobody knows can hold nowhere.
    return parsed !== undefined && matchesLabels([parsed], labels)
  })

/** A term without any requirement matches no node. */
export const matchesNodeTerm = (term: NodeSelectorTerm, node: NodeInfo): boolean => {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length + matchFields.length === 0) return false
  return holdAll(matchExpressions, node.labels) && holdAll(matchFields, { 'metadata.name': node.name })
}

/** spec.nodeSelector and the required node affinity together. */
export const matchesNodeAffinity = (pod: Pod, node: NodeInfo): boolean => {
  const selector = pod.spec?.nodeSelector ?? {}
  if (!Object.entries(selector).every(([key, value]) => node.labels[key] === value)) return false
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required === undefined || required.nodeSelectorTerms.some(term => matchesNodeTerm(term, node))
}

export const nodeAffinity: FilterPlugin = {
  name: 'NodeAffinity',
  movedBy: ['node-added', 'node-changed'],
  filter: ({ pod }) => {
    const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    if (required === undefined && Object.keys(pod.spec?.nodeSelector ?? {}).length === 0) return undefined
    return node => (matchesNodeAffinity(pod, node) ? FITS : REFUSED)
  },
}

/** The sum of the weights of the preferences a node meets. */
export const nodeAffinityScore: ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  score: ({ pod }, nodes) => {
    const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    if (preferred.length === 0) return undefined
    return normalize(
      nodes.map(node =>
        preferred.reduce((sum, { preference, weight }) => sum + (matchesNodeTerm(preference, node) ? weight : 0), 0),
      ),
    )
  },
}
