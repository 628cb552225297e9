import { matchesNodeAffinity, matchesNodeTerm } from '../../../kube/node-affinity.ts'
import { FITS, normalize, type FilterPlugin, type ScorePlugin } from '../framework/plugin.ts'

const REFUSED = ["node(s) didn't match Pod's node affinity/selector"]
export const nodeAffinity: FilterPlugin = {
  name: 'NodeAffinity',
  movedBy: ['node-added', 'node-changed'],
  filter: ({ pod }) => {
    const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    if (required === undefined && Object.keys(pod.spec?.nodeSelector ?? {}).length === 0) return undefined
    return node => (matchesNodeAffinity(pod.spec, node) ? FITS : REFUSED)
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
