/** How much of the past can be watched and ranged again. */
export interface HistoryBounds {
  /** Older events are forgotten; default 5 minutes, as upstream's etcd is compacted. */
  historyMs: number
  /** Of one resource; default 10,000. */
  historyEvents: number
  /** Of a resource that is written all the time and that hardly anybody resumes a watch of; default 1,000. */
  busyHistoryEvents: number
  /** Superseded states in memory, over all resources; default 32 MiB. The largest histories give way first. */
  historyBytes: number
}

export const defaultHistoryBounds: HistoryBounds = {
  historyMs: 300_000,
  historyEvents: 10_000,
  busyHistoryEvents: 1000,
  historyBytes: 32 * 1024 * 1024,
}

/** Nodes renew a lease every ten seconds, and every failure tells an Event: they must not push the others out. */
const busyCollections = new Set([
  '/registry/coordination.k8s.io/leases/',
  '/registry/core/events/',
  '/registry/events.k8s.io/events/',
])

/** Above its bound a history grows by a tenth before it is cut, so that cutting comes in pieces worth a commit. */
export const slack = 1.1

export const eventsBound = (bounds: HistoryBounds, collection: string): number =>
  busyCollections.has(collection) ? bounds.busyHistoryEvents : bounds.historyEvents
