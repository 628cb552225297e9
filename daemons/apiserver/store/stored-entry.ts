import type { UnknownObject } from '../../../kube/object.ts'

/** Long-lived buffers stay out of Node's shared pool: one small object would keep a whole slab of it alive. */
export const encodeObject = (object: UnknownObject): Buffer => {
  const text = JSON.stringify(object)
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/**
 * An object at one revision: its JSON text, encoded once and shared by every reader and watcher, and the parsed
 * object, made on first use. Both are read-only.
 */
export class StoredEntry {
  readonly key: string
  readonly revision: number
  #bytes: Buffer | undefined
  #object: UnknownObject | undefined
  constructor(key: string, revision: number, content: { bytes: Buffer } | { object: UnknownObject }) {
    this.key = key
    this.revision = revision
    if ('bytes' in content) this.#bytes = content.bytes
    else this.#object = content.object
  }
  get bytes(): Buffer {
    this.#bytes ??= encodeObject(this.#object ?? {})
    return this.#bytes
  }
  get object(): UnknownObject {
    this.#object ??= JSON.parse(String(this.#bytes)) as UnknownObject
    return this.#object
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
}
