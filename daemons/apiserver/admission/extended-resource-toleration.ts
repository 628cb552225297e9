import type { Pod } from 'kubernetes-types/core/v1.js'
import { draftOf } from '../kinds/draft.ts'
import { writes } from './forbid.ts'
import type { AdmissionPlugin } from './plugin.ts'

const isExtended = (name: string): boolean =>
  name.includes('/') && !name.startsWith('kubernetes.io/') && !name.startsWith('requests.')

/** Nodes with special devices are tainted by the device's name: pods that ask for the device tolerate it. */
export const extendedResourceTolerationPlugin: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  handles: route => writes(route, '', 'pods') && (route.operation === 'create' || route.operation === 'update'),
  admit: ({ object }) => {
    const spec = object === undefined ? undefined : draftOf<Pod>(object).spec
    if (!spec) return
    const parts = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
    const names = new Set(parts.flatMap(part => Object.keys(part.resources?.requests ?? {})).filter(isExtended))
    for (const key of [...names].sort()) {
      const there = (spec.tolerations ?? []).some(
        one => one.key === key && one.operator === 'Exists' && one.effect === 'NoSchedule',
      )
      if (!there) spec.tolerations = [...(spec.tolerations ?? []), { key, operator: 'Exists', effect: 'NoSchedule' }]
    }
  },
}
