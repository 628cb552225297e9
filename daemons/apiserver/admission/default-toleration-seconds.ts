import type { Pod, Toleration } from 'kubernetes-types/core/v1.js'
import { draftOf } from '../kinds/draft.ts'
import type { Draft } from '../kinds/draft.ts'
import { writes } from './forbid.ts'
import type { AdmissionPlugin } from './plugin.ts'

const seconds = 300
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

const tolerates = (toleration: Draft<Toleration>, taint: string): boolean =>
  (toleration.key === taint || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect)

/** A pod stays five minutes on a node that went silent, unless it says otherwise. */
export const defaultTolerationSecondsPlugin: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: route => writes(route, '', 'pods') && (route.operation === 'create' || route.operation === 'update'),
  admit: request => {
    if (request.object === undefined) return
    const spec = (draftOf<Pod>(request.object).spec ??= {})
    for (const key of taints) {
      if ((spec.tolerations ?? []).some(t => tolerates(t, key))) continue
      const added = { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }
      spec.tolerations = [...(spec.tolerations ?? []), added]
    }
  },
}
