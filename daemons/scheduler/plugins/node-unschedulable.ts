import { FITS, type FilterPlugin } from '../framework/plugin.ts'
import { tolerated } from '../../../kube/tolerations.ts'

const REFUSED = ['node(s) were unschedulable']
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/** Keeps pods off cordoned nodes, unless they tolerate that. */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  movedBy: ['node-added', 'node-changed'],
  filter: ({ pod }) => {
    if (tolerated(pod.spec?.tolerations, TAINT)) return undefined
    return node => (node.node?.spec?.unschedulable === true ? REFUSED : FITS)
  },
}
