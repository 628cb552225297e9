import type { Endpoint } from './endpoints.ts'
import type { NodeView } from './service-port-plan.ts'

export interface UsableEndpoints {
  cluster: readonly Endpoint[]
  local: readonly Endpoint[]
  /** Some endpoint anywhere can take traffic, even when none of those above may be used here. */
  any: boolean
}

/**
 * Narrows ready endpoints by the hints the EndpointSlice controller gave (KEP-3015, KEP-2433): same node first, same
 * zone second; a hint counts only when every ready endpoint carries one and some name this node or zone, so that a
 * half-written set of slices never cuts traffic off.
 */
const byHints = (ready: readonly Endpoint[], node: NodeView): readonly Endpoint[] => {
  const hinted = (hints: (e: Endpoint) => readonly string[], wanted: string) => {
    if (wanted === '' || !ready.every(e => hints(e).length > 0)) return undefined
    const mine = ready.filter(e => hints(e).includes(wanted))
    return mine.length > 0 ? mine : undefined
  }
  return hinted(e => e.nodeHints, node.nodeName) ?? hinted(e => e.zoneHints, node.zone) ?? ready
}

/** Ready endpoints; when there are none, those that still serve while they terminate (KEP-1669). */
const readyOrTerminating = (endpoints: readonly Endpoint[]): readonly Endpoint[] => {
  const ready = endpoints.filter(e => e.ready)
  return ready.length > 0 ? ready : endpoints.filter(e => e.serving && e.terminating)
}

/** The fallback to terminating endpoints is decided for the cluster and for this node apart. */
export const usableEndpoints = (endpoints: readonly Endpoint[], node: NodeView): UsableEndpoints => {
  const usable = readyOrTerminating(endpoints)
  return {
    cluster: usable[0]?.ready === true ? byHints(usable, node) : usable,
    local: readyOrTerminating(endpoints.filter(e => e.local)),
    any: usable.length > 0,
  }
}
