import { FITS, normalize, type FilterPlugin, type ScorePlugin } from '../framework/plugin.ts'
import { tolerated } from '../../../kube/tolerations.ts'

/** Nodes' NoSchedule and NoExecute taints against the pod's tolerations. */
export const taintToleration: FilterPlugin = {
  name: 'TaintToleration',
  movedBy: ['node-added', 'node-changed'],
  filter:
    ({ pod }) =>
    node => {
      const taint = node.taints.find(
        t => (t.effect === 'NoSchedule' || t.effect === 'NoExecute') && !tolerated(pod.spec?.tolerations, t),
      )
      return taint === undefined ? FITS : [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`]
    },
}

/** The fewer PreferNoSchedule taints the pod does not tolerate, the better. */
export const taintTolerationScore: ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  score: ({ pod }, nodes) => {
    const counts = nodes.map(
      node => node.taints.filter(t => t.effect === 'PreferNoSchedule' && !tolerated(pod.spec?.tolerations, t)).length,
    )
    return counts.every(count => count === 0) ? undefined : normalize(counts, true)
  },
}
