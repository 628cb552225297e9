import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf } from '../../errors.ts'
import type { SpdyStream } from '../spdy/spdy-connection.ts'

/** Opens a connection to a port of the pod; rejects with why it could not. */
export type Dial = (port: number, signal: AbortSignal) => Promise<Duplex>

interface Pair {
  data?: SpdyStream
  error?: SpdyStream
}

/**
 * Each forwarded connection is two streams with one request id: `data` carries its bytes, `error` at most one sentence.
 * Connections are independent: one that cannot be opened says so on its own error stream.
 */
export class ForwardPairs {
  readonly #dial: Dial
  readonly #signal: AbortSignal
  readonly #pairs = new Map<string, Pair>()
  constructor(dial: Dial, signal: AbortSignal) {
    this.#dial = dial
    this.#signal = signal
  }

  add(stream: SpdyStream): void {
    const type = stream.header('streamtype')
    if (type !== 'data' && type !== 'error') return void stream.destroy()
    // Clients before request ids open the error stream first and the data stream right after it.
    const id = stream.header('requestid') || String(type === 'error' ? stream.id : stream.id - 2)
    const pair = this.#pairs.get(id) ?? {}
    pair[type] = stream
    if (pair.data === undefined || pair.error === undefined) {
      this.#pairs.set(id, pair)
      stream.once('close', () => this.#pairs.delete(id))
      return
    }
    this.#pairs.delete(id)
    this.#forward(pair.data, pair.error).catch(() => {
      pair.data?.destroy()
      pair.error?.destroy()
    })
  }

  async #forward(data: SpdyStream, error: SpdyStream): Promise<void> {
    // The client writes nothing there; its end must be read all the same.
    error.resume()
    let pod: Duplex
    try {
      pod = await this.#dial(portOf(data), this.#signal)
    } catch (cause) {
      error.end(`error forwarding port ${data.header('port')}: ${messageOf(cause)}`)
      data.end()
      data.resume()
      return
    }
    await join(data, pod)
    // Nothing is said here once the pod has been reached: at any sentence kubectl hangs up all connections of the session.
    error.end()
  }
}

const portOf = (data: SpdyStream): number => {
  const port = Number(data.header('port'))
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`invalid port ${data.header('port')}`)
  return port
}

/**
 * Bytes both ways until both ends are done. Each way ends by itself: a client that has sent all it has may still be
 * waiting for the answer. kubectl since 1.32 resets its stream as soon as the pod has answered and closed, whether or not
 * its own client has hung up: that, and a pod that breaks off, ends this connection like any other.
 */
const join = async (data: SpdyStream, pod: Duplex): Promise<void> => {
  pod.on('error', () => {})
  try {
    await Promise.all([pipeline(data, pod), pipeline(pod, data)])
  } catch {
    data.destroy()
    pod.destroy()
  }
}
