import type { Kind } from '../kinds/kind.ts'
import type { StoreEvent } from '../store/store.ts'
import type { StoredEntry } from '../store/stored-entry.ts'
import { parseResourceVersion } from './read-objects.ts'
import type { ObjectTarget, Registry } from './registry.ts'
import { inTurns, type Turns } from './fan-out.ts'
import { makeSelection, prefixOf, type Selection } from './selection.ts'

export interface WatchRequest {
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
  resourceVersion?: string | undefined
  resourceVersionMatch?: string | undefined
  sendInitialEvents?: boolean | undefined
  allowBookmarks: boolean
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** Where a watch's events go. Called synchronously, in order; it must not throw. */
export interface WatchSink {
  event(type: WatchEventType, entry: StoredEntry): void
  /** `initialEventsEnd`: everything that was there at the start has been sent. */
  bookmark(resourceVersion: string, initialEventsEnd: boolean): void
  /** The kind is not served as it was any more: nothing comes after this. */
  end(): void
}

export interface OpenWatch {
  /** Sends a bookmark when something happened since the last event that went out. */
  bookmark(): void
  /** Tells at once what happened already and was to be told in one of the next turns. */
  drain(): void
  close(): void
}

/** What a client that sees only the selection is to be told of an event; undefined: nothing. */
const translate = (
  event: StoreEvent,
  selection: Selection,
  view: (entry: StoredEntry) => StoredEntry,
): [WatchEventType, StoredEntry] | undefined => {
  const entry = view(event.entry)
  if (selection.everything)
    return [event.type === 'delete' ? 'DELETED' : event.previous === undefined ? 'ADDED' : 'MODIFIED', entry]
  const chosen = (one: StoredEntry) => selection.mayMatch(one) && selection.matches(view(one).object)
  const before = event.previous !== undefined && chosen(event.previous)
  const after = event.type === 'put' && chosen(event.entry)
  if (after) return [before ? 'MODIFIED' : 'ADDED', entry]
  if (!before) return undefined
  // What left the selection is shown as it last was in it, at the revision it left.
  return ['DELETED', event.type === 'delete' ? entry : view((event.previous ?? entry).at(event.entry.revision))]
}

type ShowEntry = (entry: StoredEntry) => StoredEntry

/** Does something with entries in the kind's shape, after everything it was asked before. */
type Order = (entries: readonly StoredEntry[], act: (view: ShowEntry) => void) => void

const inOrder = (registry: Registry, kind: Kind): Order => {
  const view: ShowEntry = entry => registry.viewNow(kind, entry)
  return (_, act) => act(view)
}

/** A webhook converts: what happened first is sent first, however long it takes. One that fails ends the watch. */
const convertedInOrder = (registry: Registry, kind: Kind, sink: WatchSink): Order => {
  let last = Promise.resolve()
  let failed = false
  return (entries, act) => {
    last = last.then(async () => {
      if (failed) return
      try {
        const views = await registry.views(kind, entries)
        const shown = new Map(entries.map((entry, index) => [entry, views[index] ?? entry]))
        act(entry => shown.get(entry) ?? entry)
      } catch {
        failed = true
        sink.end()
      }
    })
  }
}

/** With initial events: no version or 0 as upstream's default, or sendInitialEvents asked for. */
const wantsInitial = (request: WatchRequest, from: number | undefined): boolean => {
  return request.sendInitialEvents ?? (from === undefined || from === 0)
}

/** Apart from the rest of the watch, whose functions would hold the list for as long as it is open. */
const tellInitial = (
  entries: readonly StoredEntry[],
  { selection, sink, order }: { selection: Selection; sink: WatchSink; order: Order },
  told: () => void,
): void =>
  order(entries, view => {
    for (const entry of entries)
      if (selection.everything || (selection.mayMatch(entry) && selection.matches(view(entry).object)))
        sink.event('ADDED', view(entry))
    told()
  })

/**
 * Sends what is there (when asked), then every later event, until it is closed. The switch between the two is
 * synchronous, so that nothing is missed or sent twice.
 * Throws ApiError `Expired`, `Timeout` (a version of the future) or `BadRequest`, before anything is sent.
 */
export const watchObjects = (
  registry: Registry,
  target: ObjectTarget,
  request: WatchRequest & { sink: WatchSink },
): OpenWatch => {
  const { store } = registry
  const { kind } = target
  const { sink } = request
  let selection = makeSelection(kind, request.labelSelector, request.fieldSelector)
  if (target.name !== '') {
    const inner = selection
    selection = {
      everything: false,
      matches: object => object.metadata?.name === target.name && inner.matches(object),
      mayMatch: entry => entry.key.endsWith(`/${target.name}`) && inner.mayMatch(entry),
      name: target.name,
    }
  }
  const from = parseResourceVersion(request.resourceVersion)
  const initial = wantsInitial(request, from)
  const prefix = prefixOf(registry, target, selection)
  const order =
    kind.custom?.convertsRemotely === true ? convertedInOrder(registry, kind, sink) : inOrder(registry, kind)
  let sent = from === undefined || from === 0 ? store.revision : from
  const forward = (event: StoreEvent): void =>
    order(event.previous === undefined ? [event.entry] : [event.entry, event.previous], view => {
      const told = translate(event, selection, view)
      if (told === undefined) return
      sent = event.entry.revision
      sink.event(...told)
    })
  const turns = inTurns(forward)
  const { take, drain } = turns
  const bookmark = (): void => {
    drain()
    const { revision } = store
    order([], () => {
      if (!request.allowBookmarks || revision <= sent) return
      sent = revision
      sink.bookmark(String(sent), false)
    })
  }
  const expire = (): void => {
    drain()
    sink.end()
  }
  if (!initial) return opened(registry, { kind, stop: store.watch(prefix, sent, take), turns, bookmark, expire })
  if (from !== undefined && from > store.revision) store.watch(prefix, from, () => {})()
  const { revision } = store
  tellInitial(store.range({ prefix }).entries, { selection, sink, order }, () => {
    sent = revision
    if (request.sendInitialEvents === true && request.allowBookmarks) sink.bookmark(String(revision), true)
  })
  return opened(registry, { kind, stop: store.watch(prefix, revision, take), turns, bookmark, expire })
}

const opened = (
  registry: Registry,
  { stop, turns, ...rest }: { kind: Kind; stop(): void; turns: Turns<StoreEvent>; bookmark(): void; expire(): void },
): OpenWatch => {
  const watch = {
    ...rest,
    drain: turns.drain,
    close: () => {
      registry.openWatches.delete(watch)
      stop()
      turns.drop()
    },
  }
  registry.openWatches.add(watch)
  turns.drain()
  return watch
}
