import type { UnknownObject } from '../../../kube/object.ts'

/** Long-lived buffers stay out of Node's shared pool: one small object would keep a whole slab of it alive. */
export const encodeObject = (object: UnknownObject): Buffer => {
  const text = JSON.stringify(object)
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/**
 * Parsed objects that were asked for last: while one is in here, nobody parses it again. A parsed object takes three
 * to four times the memory of its text, so that only these few and what readers hold themselves stay parsed.
 */
const recent: UnknownObject[] = []
const recentCount = 64
let turn = 0
const keepForAWhile = (object: UnknownObject): void => {
  recent[turn] = object
  turn = (turn + 1) % recentCount
}

/**
 * An object at one revision: its JSON text, encoded once and shared by every reader and watcher, and the parsed
 * object, made when it is asked for. Both are read-only. What stays for long is the text alone.
 */
export class StoredEntry {
  readonly key: string
  readonly revision: number
  /** It was encrypted with a key that is no longer the first of its resource: an update that changes nothing writes it again. */
  readonly stale: boolean
  #bytes: Buffer | undefined
  #object: UnknownObject | WeakRef<UnknownObject> | undefined
  #used = false
  constructor(key: string, revision: number, content: { bytes: Buffer; stale?: boolean } | { object: UnknownObject }) {
    this.key = key
    this.revision = revision
    this.stale = 'bytes' in content && content.stale === true
    if ('bytes' in content) this.#bytes = content.bytes
    else this.#object = content.object
  }
  get bytes(): Buffer {
    this.#bytes ??= encodeObject(this.object)
    return this.#bytes
  }
  get object(): UnknownObject {
    this.#used = true
    const known = this.#object instanceof WeakRef ? this.#object.deref() : this.#object
    if (known !== undefined) return known
    const object = JSON.parse(String(this.#bytes)) as UnknownObject
    this.#object = new WeakRef(object)
    keepForAWhile(object)
    return object
  }
  /** A copy that its caller may change. */
  copy(): UnknownObject {
    return JSON.parse(String(this.bytes)) as UnknownObject
  }
  /** The same content at another revision: what a DELETED event carries. */
  at(revision: number): StoredEntry {
    const object = { ...this.object, metadata: { ...this.object.metadata, resourceVersion: String(revision) } }
    return new StoredEntry(this.key, revision, { object })
  }
  /** From now on the text is what is kept; the parsed object stays as long as somebody else holds it. */
  settle(): void {
    if (this.#object === undefined || this.#object instanceof WeakRef) return
    this.#bytes ??= encodeObject(this.#object)
    if (this.#used) keepForAWhile(this.#object)
    this.#object = this.#used ? new WeakRef(this.#object) : undefined
  }
}
