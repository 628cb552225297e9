import type { UnknownObject } from '../../../kube/object.ts'
import type { Registry } from './registry.ts'

const bookmarkEveryMs = 60_000
const expireEveryMs = 300_000

const timeOf = (value: unknown): number => (typeof value === 'string' ? Date.parse(value) || 0 : 0)

/** When an Event was last seen, in ms. */
const lastSeen = (event: UnknownObject): number => {
  const series = event['series'] as { lastObservedTime?: unknown } | undefined
  return Math.max(
    timeOf(event['lastTimestamp']),
    timeOf(event['eventTime']),
    timeOf(series?.lastObservedTime),
    timeOf(event.metadata?.creationTimestamp),
  )
}

/** Removes the Events that nobody has seen again for `ttlMs`, where the store does not let them go by itself. */
const expireEvents = async (registry: Registry, ttlMs: number): Promise<void> => {
  if (registry.store.expiresEvents) return
  const limit = registry.clock.now() - ttlMs
  const { entries } = registry.store.range({ prefix: '/registry/core/events/' })
  const old = entries.filter(entry => lastSeen(entry.object) < limit)
  await Promise.all(
    old.map(({ key, revision }) => registry.store.transact([{ kind: 'delete', key, expected: revision }])),
  )
}

/** What the registry does by itself, until the signal aborts: bookmarks every minute, and old Events go. */
export const keepUp = async (
  registry: Registry,
  options: { eventTtlMs: number; signal: AbortSignal; onError(error: unknown): void },
): Promise<void> => {
  let expireAt = registry.clock.now() + expireEveryMs
  for (;;) {
    await registry.clock.sleep(bookmarkEveryMs, options.signal)
    for (const watch of registry.openWatches) watch.bookmark()
    if (registry.clock.now() < expireAt) continue
    expireAt = registry.clock.now() + expireEveryMs
    await expireEvents(registry, options.eventTtlMs).catch(options.onError)
  }
}
