import type { StoredEntry } from '../store/stored-entry.ts'

/** Of a large answer; each is on its way before the next is put together. */
export const pieceBytes = 256 * 1024

const comma = Buffer.from(',')
const end = Buffer.from(']}')

/**
 * The JSON text of a list out of the stored texts of its items: nothing is parsed or encoded again. Put together piece
 * by piece, so that the list of everything costs no second copy of everything, and its client reads while we still write.
 */
export class ListPieces implements Iterable<Buffer> {
  readonly #head: Buffer
  readonly #entries: readonly StoredEntry[]
  readonly length: number

  /** `head`: up to and with the bracket that opens the items. */
  constructor(head: string, entries: readonly StoredEntry[]) {
    this.#head = Buffer.from(head)
    this.#entries = entries
    let length = this.#head.length + Math.max(0, entries.length - 1) + end.length
    for (const entry of entries) length += entry.bytes.length
    this.length = length
  }

  whole(): Buffer {
    const parts = [this.#head]
    for (const [index, entry] of this.#entries.entries()) {
      if (index > 0) parts.push(comma)
      parts.push(entry.bytes)
    }
    parts.push(end)
    return Buffer.concat(parts, this.length)
  }

  *[Symbol.iterator](): Generator<Buffer> {
    let parts = [this.#head]
    let bytes = this.#head.length
    for (const [index, entry] of this.#entries.entries()) {
      if (index > 0) parts.push(comma)
      parts.push(entry.bytes)
      bytes += entry.bytes.length
      if (bytes < pieceBytes) continue
      yield Buffer.concat(parts)
      parts = []
      bytes = 0
    }
    parts.push(end)
    yield Buffer.concat(parts)
  }
}
