import type { Duplex } from 'node:stream'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import { messageOf } from '../../errors.ts'
import { apiError } from '../../status.ts'
import { decodeMessage, encodeMessage } from '../remote-command/websocket-command.ts'
import type { Dial } from './forward-pairs.ts'

/** What client libraries that know only WebSocket speak: two channels a port, one for its bytes and one for a sentence. */
export const portProtocols: Readonly<Record<string, { base64: boolean }>> = {
  '': { base64: false },
  'v4.channel.k8s.io': { base64: false },
  'v4.base64.channel.k8s.io': { base64: true },
}

/** The ports of `?port=80,81` or `?ports=80&ports=81`. Throws ApiError BadRequest, in upstream's words. */
export const portsOf = (request: IncomingMessage): number[] => {
  const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '')
  const texts = [...query.getAll('port'), ...query.getAll('ports')].flatMap(text => text.split(','))
  if (texts.length === 0) throw apiError('BadRequest', 'query parameter "port" is required')
  return texts.map(text => {
    const port = Number(text)
    if (!/^\d{1,5}$/.test(text) || port > 65_535)
      throw apiError('BadRequest', `unable to parse ${JSON.stringify(text)} as a port`)
    if (port === 0) throw apiError('BadRequest', `port ${JSON.stringify(text)} must be > 0`)
    return port
  })
}

const portBytes = (port: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(port)
  return bytes
}

/** One connection to each port, opened at once; the session is over when all of them are, or when the client leaves. */
export const forwardPorts = async (
  socket: WebSocket,
  ports: readonly number[],
  { base64, dial, signal }: { base64: boolean; dial: Dial; signal: AbortSignal },
): Promise<void> => {
  const pods = new Map<number, Duplex>()
  const early = new Map<number, Buffer[]>()
  const send = (channel: number, bytes: Buffer): Promise<void> =>
    new Promise(resolve => socket.send(encodeMessage(channel, bytes, base64), () => resolve()))
  socket.on('message', (data: Buffer) => {
    const decoded = decodeMessage(data, base64)
    if (decoded === undefined || decoded.channel % 2 !== 0 || decoded.bytes.length === 0) return
    const pod = pods.get(decoded.channel)
    if (pod === undefined) {
      // What comes before the port is open waits in the socket from here on.
      early.get(decoded.channel)?.push(decoded.bytes)
      socket.pause()
    } else if (!pod.write(decoded.bytes)) {
      socket.pause()
      pod.once('drain', () => socket.resume())
    }
  })
  const forward = async (port: number, index: number): Promise<void> => {
    const channel = 2 * index
    early.set(channel, [])
    await Promise.all([send(channel, portBytes(port)), send(channel + 1, portBytes(port))])
    try {
      const pod = await dial(port, signal)
      pod.on('error', () => {})
      const output = new Writable({
        write: (bytes: Buffer, _encoding, done) => void send(channel, bytes).then(() => done()),
      })
      pods.set(channel, pod)
      for (const bytes of early.get(channel) ?? []) pod.write(bytes)
      socket.resume()
      const hangUp = (): void => void pod.destroy()
      socket.once('close', hangUp)
      await pipeline(pod, output)
      pod.end()
    } catch (error) {
      socket.resume()
      await send(channel + 1, Buffer.from(`error forwarding port ${port}: ${messageOf(error)}`))
    } finally {
      early.delete(channel)
    }
  }
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  const abort = (): void => socket.terminate()
  signal.addEventListener('abort', abort, { once: true })
  await Promise.race([Promise.all(ports.map(forward)), closed])
  signal.removeEventListener('abort', abort)
  socket.close(1000)
  socket.resume()
  await closed
}
