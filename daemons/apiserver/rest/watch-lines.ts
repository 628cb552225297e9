import type { Status } from '../../../kube/status.ts'
import type { Kind } from '../kinds/kind.ts'
import type { WatchEventType } from '../registry/watch-objects.ts'
import type { StoredEntry } from '../store/stored-entry.ts'
import { bookmarkObject, isPlain, viewObject, type View } from './represent.ts'

const heads: Readonly<Record<WatchEventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
}
const tail = Buffer.from('}\n')

// All watchers are told of one event before the next: remembering the last line is enough to build each only once.
let last: { type: WatchEventType; entry: StoredEntry; line: Buffer } | undefined

/** `{"type":"ADDED","object":…}` and a newline, around the stored bytes. */
export const plainLine = (type: WatchEventType, entry: StoredEntry): Buffer => {
  if (last?.entry === entry && last.type === type) return last.line
  const line = Buffer.concat([heads[type], entry.bytes, tail])
  last = { type, entry, line }
  return line
}

const lineOf = (type: string, object: unknown): Buffer => Buffer.from(`${JSON.stringify({ type, object })}\n`)

/** What a watch sends, in the form its client asked for. */
export interface WatchLines {
  event(type: WatchEventType, entry: StoredEntry): Buffer
  bookmark(resourceVersion: string, initialEventsEnd: boolean): Buffer
  /** The last that is sent. */
  error(status: Status): Buffer
}

/** A line of JSON for each event. */
export class JsonLines implements WatchLines {
  readonly #kind: Kind
  readonly #view: View
  readonly #now: () => number
  #columnsSent = false
  constructor(kind: Kind, view: View, now: () => number) {
    this.#kind = kind
    this.#view = view
    this.#now = now
  }
  event(type: WatchEventType, entry: StoredEntry): Buffer {
    if (isPlain(this.#view)) return plainLine(type, entry)
    const withColumns = !this.#columnsSent
    this.#columnsSent = true
    return lineOf(type, viewObject(this.#kind, entry.object, { ...this.#view, nowMs: this.#now() }, withColumns))
  }
  bookmark(resourceVersion: string, initialEventsEnd: boolean): Buffer {
    return lineOf('BOOKMARK', bookmarkObject(this.#kind, this.#view, { resourceVersion, initialEventsEnd }))
  }
  error(status: Status): Buffer {
    return lineOf('ERROR', status)
  }
}
