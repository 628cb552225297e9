import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { messageOf, SkiffError } from '../../errors.ts'
import { SPDY_DICTIONARY_ID, spdyDictionary } from './dictionary.ts'

/** Names in lower case; several values of one name are joined by NUL on the wire and kept as a list here. */
export type SpdyHeaders = Readonly<Record<string, readonly string[]>>

const WINDOW_BYTES = 32 * 1024
const MAX_BLOCK_BYTES = 256 * 1024

/*
 * Each direction is one zlib stream over all header blocks, flushed at the end of each (Z_SYNC_FLUSH), so that a block
 * may refer back to earlier ones. Node's shared contexts work on the thread pool only; since a flush ends on a byte,
 * each block can as well be coded by itself with the last 32 KiB of plain text as its dictionary: the same bytes on
 * the wire, synchronously, and with no native memory held between blocks.
 */
const slide = (window: Buffer, more: Buffer): Buffer => {
  const all = Buffer.concat([window, more])
  return all.length > WINDOW_BYTES ? all.subarray(all.length - WINDOW_BYTES) : all
}

/** zlib's first bytes: deflate with a 32 KiB window, a preset dictionary, and which one. */
const zlibHeader = (): Buffer => {
  const header = Buffer.from([0x78, 0xbb, 0, 0, 0, 0])
  header.writeUInt32BE(SPDY_DICTIONARY_ID, 2)
  return header
}

const malformed = (why: string, cause?: unknown) =>
  new SkiffError('INVALID_INPUT', `SPDY header block: ${why}`, cause === undefined ? {} : { cause })

const encodePlain = (headers: SpdyHeaders): Buffer => {
  const rows = Object.entries(headers).map(([name, values]) => [name.toLowerCase(), values.join('\0')] as const)
  const parts: Buffer[] = []
  const number = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    parts.push(bytes)
  }
  number(rows.length)
  for (const row of rows)
    for (const text of row) {
      const bytes = Buffer.from(text)
      number(bytes.length)
      parts.push(bytes)
    }
  return Buffer.concat(parts)
}

const decodePlain = (plain: Buffer): SpdyHeaders => {
  let at = 0
  const number = (): number => {
    if (at + 4 > plain.length) throw malformed('it ends in the middle of a number')
    at += 4
    return plain.readUInt32BE(at - 4)
  }
  const text = (): string => {
    const length = number()
    if (at + length > plain.length) throw malformed('it ends in the middle of a text')
    at += length
    return plain.toString('utf8', at - length, at)
  }
  const headers: Record<string, readonly string[]> = {}
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase()
    if (name === '') throw malformed('a name is empty')
    headers[name] = text().split('\0')
  }
  return headers
}

/** Codes the header blocks of one direction; keep one for as long as the connection lives, and use it in order. */
export class HeaderEncoder {
  #window: Buffer = spdyDictionary
  #first = true
  encode(headers: SpdyHeaders): Buffer {
    const plain = encodePlain(headers)
    const block = deflateRawSync(plain, { dictionary: this.#window, finishFlush: constants.Z_SYNC_FLUSH })
    this.#window = slide(this.#window, plain)
    if (!this.#first) return block
    this.#first = false
    return Buffer.concat([zlibHeader(), block])
  }
}

/** The other end of a HeaderEncoder. Throws INVALID_INPUT; afterwards the connection is of no use. */
export class HeaderDecoder {
  #window: Buffer = spdyDictionary
  #first = true
  decode(block: Buffer): SpdyHeaders {
    const plain = this.#inflate(this.#first ? this.#withoutZlibHeader(block) : block)
    this.#first = false
    this.#window = slide(this.#window, plain)
    return decodePlain(plain)
  }

  #withoutZlibHeader(block: Buffer): Buffer {
    if (block.length < 2 || ((block[0] ?? 0) & 0x0f) !== 8) throw malformed('it is not a zlib stream')
    if (((block[1] ?? 0) & 0x20) === 0) {
      this.#window = Buffer.alloc(0)
      return block.subarray(2)
    }
    if (block.length < 6 || block.readUInt32BE(2) !== SPDY_DICTIONARY_ID) throw malformed('it names another dictionary')
    return block.subarray(6)
  }

  #inflate(block: Buffer): Buffer {
    try {
      return inflateRawSync(block, {
        // An empty dictionary is refused by zlib: leave it out.
        ...(this.#window.length === 0 ? {} : { dictionary: this.#window }),
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: MAX_BLOCK_BYTES,
      })
    } catch (cause) {
      throw malformed(messageOf(cause), cause)
    }
  }
}
