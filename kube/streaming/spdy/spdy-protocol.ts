import { SkiffError } from '../../errors.ts'
import {
  controlFrame,
  dataFrameHead,
  FLAG_FIN,
  FrameDecoder,
  frameTypes,
  resetStatus,
  SETTING_INITIAL_WINDOW,
  words32,
  type Frame,
} from './frame.ts'
import { HeaderDecoder, HeaderEncoder, type SpdyHeaders } from './header-block.ts'

export type SpdyEvent =
  /** The peer opened a stream; answer with `reply` or `reset`. */
  | { kind: 'stream'; id: number; headers: SpdyHeaders; finished: boolean }
  /** Headers of a stream that is open: the reply to one of ours, or more of them. */
  | { kind: 'headers'; id: number; headers: SpdyHeaders; finished: boolean }
  | { kind: 'data'; id: number; bytes: Buffer; finished: boolean }
  | { kind: 'reset'; id: number; status: number }
  /** The peer takes more bytes of this stream (all streams: 0). */
  | { kind: 'writable'; id: number }
  | { kind: 'goaway' }

interface StreamState {
  /** Bytes the peer still takes. */
  sendWindow: number
  /** Bytes received and not yet given back to the peer's window. */
  owed: number
  sentFin: boolean
  receivedFin: boolean
}

const INITIAL_WINDOW = 64 * 1024
/** Large enough to be cheap, small enough that streams of one connection take turns. */
const MAX_DATA_BYTES = 32 * 1024

/**
 * SPDY/3.1 without I/O: bytes in, events out; what is to be sent piles up until `takeOutput`.
 *
 * Flow control: Kubernetes' clients neither send WINDOW_UPDATE nor heed ours, so holding to a 64 KiB window would stop
 * every `exec` after 64 KiB. Windows are counted from the start but bind us only once the peer has shown, by a
 * WINDOW_UPDATE or a SETTINGS with the initial window, that it keeps them; until then TCP alone holds the sender back.
 */
export class SpdyProtocol {
  readonly #frames = new FrameDecoder()
  readonly #encoder = new HeaderEncoder()
  readonly #decoder = new HeaderDecoder()
  readonly #streams = new Map<number, StreamState>()
  readonly #role: 'client' | 'server'
  #output: Buffer[] = []
  #nextId: number
  #lastPeerId = 0
  #initialWindow = INITIAL_WINDOW
  #windowsBind = false
  constructor(role: 'client' | 'server') {
    this.#role = role
    this.#nextId = role === 'client' ? 1 : 2
  }

  /** Throws INVALID_INPUT when the peer breaks the protocol: send what `takeOutput` has, then close. */
  receive(chunk: Buffer): SpdyEvent[] {
    const events: SpdyEvent[] = []
    try {
      for (const frame of this.#frames.decode(chunk)) {
        const event = frame.kind === 'data' ? this.#onData(frame) : this.#onControl(frame)
        if (event !== undefined) events.push(event)
      }
    } catch (error) {
      this.#control(frameTypes.goAway, 0, words32(this.#lastPeerId, 1))
      throw error
    }
    return events
  }

  takeOutput(): Buffer[] {
    const output = this.#output
    this.#output = []
    return output
  }

  /** Opens a stream; its id. */
  open(headers: SpdyHeaders, finished = false): number {
    const id = this.#nextId
    this.#nextId += 2
    this.#streams.set(id, this.#newStream())
    const block = Buffer.concat([words32(id, 0), Buffer.alloc(2), this.#encoder.encode(headers)])
    this.#control(frameTypes.synStream, finished ? FLAG_FIN : 0, block)
    if (finished) this.#close(id, 'sentFin')
    return id
  }

  /** Accepts a stream of the peer's. */
  reply(id: number, headers: SpdyHeaders = {}): void {
    if (this.#streams.has(id))
      this.#control(frameTypes.synReply, 0, Buffer.concat([words32(id), this.#encoder.encode(headers)]))
  }

  /** Sends as much as the peer takes; the number of bytes taken. The rest waits for a `writable` event. */
  write(id: number, bytes: Buffer): number {
    const stream = this.#streams.get(id)
    // A stream that is closed swallows what is written to it, as a closed pipe's reader would.
    if (stream === undefined || stream.sentFin) return bytes.length
    const room = this.#windowsBind ? Math.max(0, stream.sendWindow) : bytes.length
    const taken = Math.min(room, bytes.length)
    for (let at = 0; at < taken; at += MAX_DATA_BYTES) {
      const part = bytes.subarray(at, Math.min(taken, at + MAX_DATA_BYTES))
      this.#output.push(dataFrameHead(id, 0, part.length), part)
    }
    stream.sendWindow -= taken
    return taken
  }

  /** No more bytes from us on this stream. */
  finish(id: number): void {
    const stream = this.#streams.get(id)
    if (stream === undefined || stream.sentFin) return
    this.#output.push(dataFrameHead(id, FLAG_FIN, 0))
    this.#close(id, 'sentFin')
  }

  reset(id: number, status: number = resetStatus.cancel): void {
    if (!this.#streams.delete(id)) return
    this.#control(frameTypes.rstStream, 0, words32(id, status))
  }

  /** Bytes of a `data` event have gone where they should: the peer may send as many again. */
  consumed(id: number, bytes: number): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    stream.owed += bytes
    if (stream.owed < INITIAL_WINDOW / 2 || stream.receivedFin) return
    this.#control(frameTypes.windowUpdate, 0, words32(id, stream.owed))
    stream.owed = 0
  }

  goAway(): void {
    this.#control(frameTypes.goAway, 0, words32(this.#lastPeerId, 0))
  }

  #newStream(): StreamState {
    return { sendWindow: this.#initialWindow, owed: 0, sentFin: false, receivedFin: false }
  }

  #control(type: number, flags: number, payload: Buffer): void {
    this.#output.push(controlFrame(type, flags, payload))
  }

  #close(id: number, side: 'sentFin' | 'receivedFin'): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    stream[side] = true
    if (stream.sentFin && stream.receivedFin) this.#streams.delete(id)
  }

  #onData(frame: Extract<Frame, { kind: 'data' }>): SpdyEvent | undefined {
    const { streamId: id, bytes, finished } = frame
    const stream = this.#streams.get(id)
    if (stream === undefined || stream.receivedFin) {
      // Bytes that crossed our reset are dropped; a stream that never was is an error of the peer's.
      if (!this.#wasOpen(id)) this.#control(frameTypes.rstStream, 0, words32(id, resetStatus.invalidStream))
      return undefined
    }
    if (finished) this.#close(id, 'receivedFin')
    return bytes.length > 0 || finished ? { kind: 'data', id, bytes, finished } : undefined
  }

  #wasOpen(id: number): boolean {
    return this.#isOurs(id) ? id < this.#nextId : id <= this.#lastPeerId
  }

  #isOurs(id: number): boolean {
    return id % 2 === (this.#role === 'client' ? 1 : 0)
  }

  #onControl({ type, flags, payload }: Extract<Frame, { kind: 'control' }>): SpdyEvent | undefined {
    const finished = (flags & FLAG_FIN) !== 0
    const word = (at: number): number => {
      if (payload.length < at + 4) throw new SkiffError('INVALID_INPUT', `SPDY frame of type ${type} is too short`)
      return payload.readUInt32BE(at)
    }
    const id = payload.length >= 4 ? word(0) & 0x7fffffff : 0
    switch (type) {
      case frameTypes.synStream:
        word(4)
        return this.#onSynStream(id, payload.subarray(10), finished)
      case frameTypes.synReply:
      case frameTypes.headers: {
        // Every block passes through the decoder, also one of a stream that is gone: later blocks refer to it.
        const headers = this.#decoder.decode(payload.subarray(4))
        if (!this.#streams.has(id)) return undefined
        if (finished) this.#close(id, 'receivedFin')
        return { kind: 'headers', id, headers, finished }
      }
      case frameTypes.rstStream:
        return this.#streams.delete(id) ? { kind: 'reset', id, status: word(4) } : undefined
      case frameTypes.settings:
        return this.#onSettings(payload)
      case frameTypes.ping:
        // Ours are odd or even as our streams are; anything else is the peer's and goes straight back.
        if (!this.#isOurs(word(0))) this.#control(frameTypes.ping, 0, words32(word(0)))
        return undefined
      case frameTypes.goAway:
        return { kind: 'goaway' }
      case frameTypes.windowUpdate: {
        this.#windowsBind = true
        const stream = this.#streams.get(id)
        if (stream === undefined) return undefined
        stream.sendWindow += word(4) & 0x7fffffff
        return { kind: 'writable', id }
      }
      default:
        // The draft: unknown control frames are ignored.
        return undefined
    }
  }

  #onSynStream(id: number, block: Buffer, finished: boolean): SpdyEvent | undefined {
    const headers = this.#decoder.decode(block)
    if (this.#isOurs(id) || id <= this.#lastPeerId)
      throw new SkiffError('INVALID_INPUT', `SPDY stream ${id} is out of order`)
    this.#lastPeerId = id
    this.#streams.set(id, { ...this.#newStream(), receivedFin: finished })
    return { kind: 'stream', id, headers, finished }
  }

  #onSettings(payload: Buffer): SpdyEvent | undefined {
    const count = payload.length >= 4 ? payload.readUInt32BE(0) : 0
    for (let i = 0; i < count && payload.length >= 12 + i * 8; i++) {
      if ((payload.readUInt32BE(4 + i * 8) & 0xffffff) !== SETTING_INITIAL_WINDOW) continue
      const window = payload.readUInt32BE(8 + i * 8)
      for (const stream of this.#streams.values()) stream.sendWindow += window - this.#initialWindow
      this.#initialWindow = window
      this.#windowsBind = true
      return { kind: 'writable', id: 0 }
    }
    return undefined
  }
}
