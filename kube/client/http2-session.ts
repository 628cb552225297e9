import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { messageOf, SkiffError } from '../errors.ts'
import type { ClientConfig } from './kubeconfig.ts'

export interface SessionTimeouts {
  connectMs: number
  /** How often an open connection is asked whether it still lives. */
  pingEveryMs: number
  /** How long the answer to that may take. */
  pingAnswerMs: number
}

export const defaultTimeouts: SessionTimeouts = { connectMs: 5_000, pingEveryMs: 20_000, pingAnswerMs: 10_000 }

const unavailable = (server: string, cause: unknown): SkiffError =>
  new SkiffError('UNAVAILABLE', `${server}: ${messageOf(cause)}`, {
    cause,
    remedy: 'is the API server running, and is this its address?',
  })

/**
 * One HTTP/2 connection for all requests, made when first needed and again after it broke. A ping notices a peer that
 * is gone without a word (a pulled cable sends no FIN).
 */
export class Http2Session {
  readonly #config: ClientConfig
  readonly #timeouts: SessionTimeouts
  #session: Promise<ClientHttp2Session> | undefined
  #live: ClientHttp2Session | undefined
  #closed = false

  constructor(config: ClientConfig, timeouts: SessionTimeouts) {
    this.#config = config
    this.#timeouts = timeouts
  }

  /** Opens a stream; throws SkiffError UNAVAILABLE at once where nothing answers. */
  async request(headers: Record<string, string>, hasBody: boolean): Promise<ClientHttp2Stream> {
    for (let attempt = 0; ; attempt++) {
      const session = await this.#connected()
      try {
        return session.request(headers, { endStream: !hasBody })
      } catch (error) {
        // The session went (GOAWAY) between being handed out and used: nothing was sent, so a new one may be tried.
        this.#forget(session)
        if (attempt > 0) throw unavailable(this.#config.server, error)
      }
    }
  }

  unavailable(cause: unknown): SkiffError {
    return unavailable(this.#config.server, cause)
  }

  close(): void {
    this.#closed = true
    this.#live?.destroy()
    this.#live = undefined
    this.#session = undefined
  }

  #connected(): Promise<ClientHttp2Session> {
    if (this.#closed) throw unavailable(this.#config.server, new Error('the client was closed'))
    this.#session ??= this.#connect().catch((error: unknown) => {
      this.#session = undefined
      throw error
    })
    return this.#session
  }

  #connect(): Promise<ClientHttp2Session> {
    const { server, ca, cert, key } = this.#config
    return new Promise((resolve, reject) => {
      const session = connect(server, {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        settings: { enablePush: false, initialWindowSize: 1024 * 1024 },
      })
      this.#live = session
      const timer = setTimeout(
        () => session.destroy(new Error(`no connection within ${this.#timeouts.connectMs} ms`)),
        this.#timeouts.connectMs,
      )
      session.on('error', error => reject(unavailable(server, error)))
      session.on('goaway', () => this.#forget(session))
      session.on('close', () => {
        clearTimeout(timer)
        this.#forget(session)
        reject(unavailable(server, new Error('the connection was closed')))
      })
      session.once('connect', () => {
        clearTimeout(timer)
        // Without this the connection's window of 64 KiB would be shared by all streams at once.
        session.setLocalWindowSize(4 * 1024 * 1024)
        this.#keepAlive(session)
        resolve(session)
      })
    })
  }

  #forget(session: ClientHttp2Session): void {
    if (this.#live !== session) return
    this.#live = undefined
    this.#session = undefined
  }

  #keepAlive(session: ClientHttp2Session): void {
    const lost = () => session.destroy(new Error('no answer to a ping'), constants.NGHTTP2_CANCEL)
    const ticker = setInterval(() => {
      if (session.destroyed || session.closed) return
      const timer = setTimeout(lost, this.#timeouts.pingAnswerMs)
      timer.unref()
      session.ping(() => clearTimeout(timer))
    }, this.#timeouts.pingEveryMs)
    ticker.unref()
    session.once('close', () => clearInterval(ticker))
  }
}
