import { SkiffError } from '../../errors.ts'

/** SPDY/3.1 frames; numbers are the draft's. */
export const frameTypes = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const

export const FLAG_FIN = 1
/** Statuses of RST_STREAM. */
export const resetStatus = { protocolError: 1, invalidStream: 2, refused: 3, cancel: 5, flowControl: 7 } as const
export const SETTING_INITIAL_WINDOW = 7

const VERSION = 3
/** No header block of ours or of a sane peer comes near. */
const MAX_CONTROL_BYTES = 1024 * 1024

export type Frame =
  | { kind: 'control'; type: number; flags: number; payload: Buffer }
  /** Part of a data frame: its bytes are handed on as they come; `finished` with the last part of a frame that says so. */
  | { kind: 'data'; streamId: number; bytes: Buffer; finished: boolean }

export const controlFrame = (type: number, flags: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x8000 | VERSION, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt32BE(((flags << 24) | payload.length) >>> 0, 4)
  return Buffer.concat([head, payload])
}

/** The eight bytes before a data frame's payload. */
export const dataFrameHead = (streamId: number, flags: number, length: number): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(streamId, 0)
  head.writeUInt32BE(((flags << 24) | length) >>> 0, 4)
  return head
}

/** 32-bit numbers one after the other: the payload of most control frames. */
export const words32 = (...words: readonly number[]): Buffer => {
  const payload = Buffer.alloc(words.length * 4)
  words.forEach((word, i) => payload.writeUInt32BE(word >>> 0, i * 4))
  return payload
}

/** Cuts bytes, in pieces of any size, into frames. Throws INVALID_INPUT on another protocol or version. */
export class FrameDecoder {
  #pending: Buffer = Buffer.alloc(0)
  /** The data frame whose bytes are still coming. */
  #data: { streamId: number; left: number; finished: boolean } | undefined

  decode(chunk: Buffer): Frame[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    const frames: Frame[] = []
    for (;;) {
      const frame = this.#data === undefined ? this.#head() : this.#dataPart(this.#data)
      if (frame === undefined) return frames
      if (frame !== 'more') frames.push(frame)
    }
  }

  #take(length: number): Buffer {
    const taken = this.#pending.subarray(0, length)
    this.#pending = this.#pending.subarray(length)
    return taken
  }

  #head(): Frame | 'more' | undefined {
    if (this.#pending.length < 8) return undefined
    const first = this.#pending.readUInt32BE(0)
    const second = this.#pending.readUInt32BE(4)
    const flags = second >>> 24
    const length = second & 0xffffff
    if (first >>> 31 === 0) {
      this.#take(8)
      this.#data = { streamId: first, left: length, finished: (flags & FLAG_FIN) !== 0 }
      return 'more'
    }
    if (((first >>> 16) & 0x7fff) !== VERSION)
      throw new SkiffError('INVALID_INPUT', `SPDY version ${(first >>> 16) & 0x7fff}: only 3 is spoken here`)
    if (length > MAX_CONTROL_BYTES)
      throw new SkiffError(
        'INVALID_INPUT',
        `SPDY control frame of ${length} bytes: at most ${MAX_CONTROL_BYTES} are taken`,
      )
    if (this.#pending.length < 8 + length) return undefined
    this.#take(8)
    return { kind: 'control', type: first & 0xffff, flags, payload: this.#take(length) }
  }

  #dataPart(data: { streamId: number; left: number; finished: boolean }): Frame | undefined {
    if (data.left > 0 && this.#pending.length === 0) return undefined
    const bytes = this.#take(Math.min(data.left, this.#pending.length))
    data.left -= bytes.length
    if (data.left === 0) this.#data = undefined
    return { kind: 'data', streamId: data.streamId, bytes, finished: data.left === 0 && data.finished }
  }
}
