import type { Pod } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, nameColumn, orNone } from './column.ts'
import { ageOf } from './human-duration.ts'
import type { Column } from './kind.ts'
import { summarizePod } from './pod-summary.ts'

const wide = { wide: true }

export const podColumns: readonly Column[] = [
  nameColumn,
  column<Pod>('Ready', 'How many of its containers are ready.', pod => {
    const { ready, total } = summarizePod(pod)
    return `${ready}/${total}`
  }),
  column<Pod>('Status', 'The state of its containers in a word.', pod => summarizePod(pod).status),
  column<Pod>('Restarts', 'How often its containers were restarted, and when last.', (pod, nowMs) => {
    const { restarts, lastRestart } = summarizePod(pod)
    return restarts === 0 || lastRestart === undefined
      ? String(restarts)
      : `${restarts} (${ageOf(lastRestart, nowMs)} ago)`
  }),
  ageColumn,
  column<Pod>('IP', 'Its address.', pod => orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP), wide),
  column<Pod>('Node', 'The node it runs on.', pod => orNone(pod.spec?.nodeName), wide),
  column<Pod>(
    'Nominated Node',
    'Where it will run once others made room.',
    pod => orNone(pod.status?.nominatedNodeName),
    wide,
  ),
  column<Pod>(
    'Readiness Gates',
    'How many of the conditions it waits for hold.',
    pod => {
      const gates = pod.spec?.readinessGates ?? []
      const held = gates.filter(gate =>
        (pod.status?.conditions ?? []).some(c => c.type === gate.conditionType && c.status === 'True'),
      )
      return gates.length === 0 ? '<none>' : `${held.length}/${gates.length}`
    },
    wide,
  ),
]
