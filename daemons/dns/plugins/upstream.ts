import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { decodeMessage } from '../message/decode-message.ts'
import { encodeMessage } from '../message/encode-message.ts'
import type { Message } from '../message/message.ts'

export interface UpstreamAddress {
  address: string
  port: number
}

interface Exchange {
  to: UpstreamAddress
  timeoutMs: number
  signal: AbortSignal
}

const unreachable = (to: UpstreamAddress, why: string, cause?: unknown): SkiffError =>
  new SkiffError('UNAVAILABLE', `upstream ${to.address}:${to.port}: ${why}`, { cause })

const fits = (reply: Message, query: Message): boolean => {
  const [asked, answered] = [query.questions[0], reply.questions[0]]
  return (
    reply.response &&
    reply.id === query.id &&
    asked?.type === answered?.type &&
    asked?.name.toLowerCase() === answered?.name.toLowerCase()
  )
}

/** A socket per question: its port is the kernel's random choice, which a forger has to guess along with the id. */
export const exchangeUdp = (query: Message, { to, timeoutMs, signal }: Exchange): Promise<Message> =>
  new Promise((resolve, reject) => {
    const family = isIPv6(to.address) ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // node would ask the thread pool to "resolve" what is an address already.
      lookup: (hostname, _options, done) => done(null, hostname, family),
    })
    let settled = false
    const finish = (work: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      socket.close()
      work()
    }
    const timer = setTimeout(() => finish(() => reject(unreachable(to, `no answer within ${timeoutMs} ms`))), timeoutMs)
    const aborted = () => finish(() => reject(signal.reason as Error))
    signal.addEventListener('abort', aborted, { once: true })
    socket.on('error', cause => finish(() => reject(unreachable(to, messageOf(cause), cause))))
    socket.on('message', bytes => {
      let reply: Message
      try {
        reply = decodeMessage(bytes)
      } catch {
        // Anyone may send anything to this port: the real answer may still come.
        return
      }
      if (fits(reply, query)) finish(() => resolve(reply))
    })
    // A connected socket hears of ICMP "port unreachable" at once, and takes packets from nobody else.
    socket.connect(to.port, to.address, () => socket.send(encodeMessage(query)))
  })

export const exchangeTcp = (query: Message, { to, timeoutMs, signal }: Exchange): Promise<Message> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: to.address, port: to.port, signal })
    const chunks: Buffer[] = []
    let received = 0
    const fail = (why: string, cause?: unknown) => {
      clearTimeout(timer)
      socket.destroy()
      reject(signal.aborted ? (signal.reason as Error) : unreachable(to, why, cause))
    }
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms over TCP`), timeoutMs)
    socket.on('connect', () => {
      const bytes = encodeMessage(query)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(bytes.length)
      socket.write(Buffer.concat([length, bytes]))
    })
    socket.on('error', cause => fail(messageOf(cause), cause))
    socket.on('close', () => fail('closed the connection'))
    socket.on('data', chunk => {
      chunks.push(chunk)
      received += chunk.length
      const all = received < 2 ? undefined : Buffer.concat(chunks)
      if (all === undefined || received < 2 + all.readUInt16BE(0)) return
      try {
        const reply = decodeMessage(all.subarray(2, 2 + all.readUInt16BE(0)))
        if (!fits(reply, query)) return fail('answered another question')
        clearTimeout(timer)
        resolve(reply)
        socket.destroy()
      } catch (cause) {
        fail(messageOf(cause), cause)
      }
    })
  })

/** UDP first; what came back cut short is asked for again over TCP. Throws UNAVAILABLE or the signal's reason. */
export const exchange = async (query: Message, options: Exchange & { forceTcp: boolean }): Promise<Message> => {
  const asked = { ...query, id: randomInt(65_536) }
  if (!options.forceTcp) {
    const reply = await exchangeUdp(asked, options)
    if (!reply.truncated) return reply
  }
  return exchangeTcp(asked, options)
}
