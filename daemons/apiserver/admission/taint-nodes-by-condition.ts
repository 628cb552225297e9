import type { Node } from 'kubernetes-types/core/v1.js'
import { draftOf } from '../kinds/draft.ts'
import { writes } from './forbid.ts'
import type { AdmissionPlugin } from './plugin.ts'

const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }

/** A new node takes no pods until its kubelet has said that it is ready. */
export const taintNodesByConditionPlugin: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: route => writes(route, '', 'nodes') && route.operation === 'create',
  admit: request => {
    if (request.object === undefined) return
    const spec = (draftOf<Node>(request.object).spec ??= {})
    const there = (spec.taints ?? []).some(t => t.key === taint.key && t.effect === taint.effect)
    if (!there) spec.taints = [...(spec.taints ?? []), { ...taint }]
  },
}
