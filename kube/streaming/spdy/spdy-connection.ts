import { Duplex } from 'node:stream'
import type { SpdyHeaders } from './header-block.ts'
import { SpdyProtocol, type SpdyEvent } from './spdy-protocol.ts'

/** One stream of a connection. Destroying it before both ends are done resets it. */
export class SpdyStream extends Duplex {
  readonly id: number
  /** The headers it was opened with (names in lower case). */
  readonly headers: SpdyHeaders
  readonly #link: StreamLink
  /** What the peer's window has no room for yet. */
  #waiting: { bytes: Buffer; done: (error?: Error | null) => void } | undefined
  constructor(id: number, headers: SpdyHeaders, link: StreamLink) {
    super({ allowHalfOpen: true })
    this.id = id
    this.headers = headers
    this.#link = link
  }

  /** The first value of a header, or ''. */
  header(name: string): string {
    return this.headers[name]?.[0] ?? ''
  }

  /** The peer's window opened. */
  pump(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    this._write(waiting.bytes, 'binary', waiting.done)
  }

  /** The connection is over: what was read stays readable, what is written goes nowhere. */
  abandon(): void {
    this.push(null)
    this.#waiting?.done()
    this.#waiting = undefined
    this.end()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const taken = this.#link.write(this.id, bytes)
    if (taken < bytes.length) this.#waiting = { bytes: bytes.subarray(taken), done }
    else this.#link.whenDrained(done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#link.finish(this.id)
    done()
  }

  override _read(): void {
    this.#link.wantsMore(this)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#link.gone(this)
    this.#waiting?.done(error)
    this.#waiting = undefined
    done(error)
  }
}

/** What a stream needs of its connection. */
interface StreamLink {
  write(id: number, bytes: Buffer): number
  whenDrained(done: () => void): void
  finish(id: number): void
  wantsMore(stream: SpdyStream): void
  gone(stream: SpdyStream): void
}

export interface SpdyConnectionOptions {
  role: 'client' | 'server'
  /** A stream the peer opened; it is accepted already. */
  onStream?(stream: SpdyStream): void
  /** Bytes that were read from the socket before it came here. */
  head?: Buffer
}

const LINGER_MS = 5000

/** SPDY over any Duplex: a socket, or a WebSocket that tunnels it. */
export class SpdyConnection {
  /** Resolves when the connection is over, whoever ended it and why. */
  readonly closed: Promise<void>
  readonly #socket: Duplex
  readonly #options: SpdyConnectionOptions
  readonly #protocol: SpdyProtocol
  readonly #streams = new Map<number, SpdyStream>()
  /** Streams whose reader is behind: while there is one, nothing is read from the socket. */
  readonly #behind = new Set<SpdyStream>()
  #drainWaiters: (() => void)[] = []
  #markClosed: () => void = () => {}
  readonly #link: StreamLink = {
    write: (id, bytes) => {
      const taken = this.#protocol.write(id, bytes)
      this.#flush()
      return taken
    },
    whenDrained: done => {
      if (this.#socket.writableNeedDrain && !this.#socket.destroyed) this.#drainWaiters.push(done)
      else done()
    },
    finish: id => {
      this.#protocol.finish(id)
      this.#flush()
    },
    wantsMore: stream => {
      if (this.#behind.delete(stream) && this.#behind.size === 0) this.#socket.resume()
    },
    gone: stream => {
      this.#streams.delete(stream.id)
      this.#protocol.reset(stream.id)
      this.#flush()
      this.#link.wantsMore(stream)
    },
  }

  constructor(socket: Duplex, options: SpdyConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#protocol = new SpdyProtocol(options.role)
    this.closed = new Promise(resolve => (this.#markClosed = resolve))
    socket.on('drain', () => this.#drained())
    socket.on('error', () => this.#over())
    socket.on('close', () => this.#over())
    socket.on('end', () => this.#over())
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    if (options.head !== undefined && options.head.length > 0) this.#receive(options.head)
  }

  openStream(headers: Readonly<Record<string, string>>): SpdyStream {
    const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]]))
    const id = this.#protocol.open(lists)
    this.#flush()
    return this.#add(id, lists)
  }

  /** Says goodbye and closes once everything is written. */
  close(): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    this.#protocol.goAway()
    this.#flush()
    this.#socket.end()
    // A peer that does not hang up in turn is not waited for for ever.
    setTimeout(() => this.destroy(), LINGER_MS).unref()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#over()
  }

  #add(id: number, headers: SpdyHeaders): SpdyStream {
    const stream = new SpdyStream(id, headers, this.#link)
    // A reset by the peer destroys the stream without an error; nobody need listen for one.
    stream.on('error', () => {})
    this.#streams.set(id, stream)
    return stream
  }

  #flush(): void {
    const output = this.#protocol.takeOutput()
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    this.#socket.cork()
    for (const bytes of output) this.#socket.write(bytes)
    this.#socket.uncork()
  }

  #drained(): void {
    const waiters = this.#drainWaiters
    this.#drainWaiters = []
    for (const done of waiters) done()
  }

  #receive(chunk: Buffer): void {
    let events: SpdyEvent[]
    try {
      events = this.#protocol.receive(chunk)
    } catch {
      // The GOAWAY that says so is among the output.
      this.#flush()
      this.destroy()
      return
    }
    for (const event of events) this.#onEvent(event)
    this.#flush()
  }

  #onEvent(event: SpdyEvent): void {
    switch (event.kind) {
      case 'stream': {
        const stream = this.#add(event.id, event.headers)
        this.#protocol.reply(event.id)
        if (event.finished) this.#finished(stream)
        this.#options.onStream?.(stream)
        return
      }
      case 'headers':
        if (event.finished) this.#finished(this.#streams.get(event.id))
        return
      case 'data': {
        const stream = this.#streams.get(event.id)
        if (stream === undefined) return
        if (event.bytes.length > 0) this.#deliver(stream, event.bytes)
        if (event.finished) this.#finished(stream)
        return
      }
      case 'reset':
        this.#streams.get(event.id)?.destroy()
        return
      case 'writable':
        for (const stream of event.id === 0 ? this.#streams.values() : [this.#streams.get(event.id)]) stream?.pump()
        return
      case 'goaway':
        return
    }
  }

  #deliver(stream: SpdyStream, bytes: Buffer): void {
    // Peers that ignore windows are held back by TCP: then one slow reader holds up its siblings, as it does upstream.
    if (!stream.push(bytes)) {
      this.#behind.add(stream)
      this.#socket.pause()
    }
    this.#protocol.consumed(stream.id, bytes.length)
  }

  /** No more comes, so nothing is left to hold back; and a stream that knows its end is never asked for more again. */
  #finished(stream: SpdyStream | undefined): void {
    if (stream === undefined) return
    stream.push(null)
    this.#link.wantsMore(stream)
  }

  #over(): void {
    for (const stream of this.#streams.values()) stream.abandon()
    this.#streams.clear()
    this.#behind.clear()
    this.#drained()
    this.#markClosed()
    this.#socket.destroy()
  }
}
