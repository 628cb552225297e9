import type { UnknownObject } from '../../../kube/object.ts'
import { apiVersionOf } from '../../../kube/resource.ts'
import type { Status } from '../../../kube/status.ts'
import type { Kind } from '../kinds/kind.ts'
import type { WatchEventType } from '../registry/watch-objects.ts'
import type { StoredEntry } from '../store/stored-entry.ts'
import { protobufEntry, protobufFrame, protobufList, protobufObject } from './protobuf-envelope.ts'
import { bookmarkObject, type ListContent, partialList, partialMetadata, type View } from './represent.ts'
import type { WatchLines } from './watch-lines.ts'

export const encodeProtobufEntry = (entry: StoredEntry, view: View): Buffer =>
  view.as === 'Object' ? protobufEntry(entry) : protobufObject(partialMetadata(entry.object, view.metaVersion))

export const encodeProtobufList = (kind: Kind, list: ListContent, view: View): Buffer => {
  if (view.as !== 'Object') return protobufObject(partialList(list, view.metaVersion))
  const { entries, ...metadata } = list
  return protobufList({ apiVersion: apiVersionOf(kind), kind: `${kind.kind}List`, metadata }, entries)
}

export const encodeProtobufStatus = (status: Status): Buffer => protobufObject(status as unknown as UnknownObject)

// All watchers are told of one event before the next, as with JSON.
let last: { type: WatchEventType; entry: StoredEntry; frame: Buffer } | undefined

const plainFrame = (type: WatchEventType, entry: StoredEntry): Buffer => {
  if (last?.entry === entry && last.type === type) return last.frame
  const frame = protobufFrame(type, protobufEntry(entry))
  last = { type, entry, frame }
  return frame
}

/** The frames of one watch; there is no table in protobuf. */
export class ProtobufFrames implements WatchLines {
  readonly #kind: Kind
  readonly #view: View
  constructor(kind: Kind, view: View) {
    this.#kind = kind
    this.#view = view
  }
  event(type: WatchEventType, entry: StoredEntry): Buffer {
    if (this.#view.as === 'Object') return plainFrame(type, entry)
    return protobufFrame(type, protobufObject(partialMetadata(entry.object, this.#view.metaVersion)))
  }
  bookmark(resourceVersion: string, initialEventsEnd: boolean): Buffer {
    return protobufFrame(
      'BOOKMARK',
      protobufObject(bookmarkObject(this.#kind, this.#view, { resourceVersion, initialEventsEnd })),
    )
  }
  error(status: Status): Buffer {
    return protobufFrame('ERROR', encodeProtobufStatus(status))
  }
}
