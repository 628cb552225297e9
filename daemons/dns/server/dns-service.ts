import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { decodeMessage } from '../message/decode-message.ts'
import { encodeMessage } from '../message/encode-message.ts'
import { classes, newQuery, rcodes, replyTo, types, type Message } from '../message/message.ts'
import { closestZone, normalName } from '../message/name.ts'
import type { Answer, Query, Served, Transport } from '../plugins/plugin.ts'
import type { Block } from './block.ts'
import { runChain } from './chain.ts'
import { PacketCache } from './packet-cache.ts'

/** A packet, with where it came from and how it is answered. */
export interface Packet {
  bytes: Buffer
  transport: Transport
  client: { address: string; port: number }
  send(reply: Buffer): void
}

/** What one address and port serves: blocks by zone. A reload replaces it whole. */
export interface Site {
  zones: readonly string[]
  byZone: ReadonlyMap<string, Block>
  cache: PacketCache
  signal: AbortSignal
  onError(error: unknown): void
}

const MAX_UDP = 4096
const MAX_ALIASES = 8

export const makeSite = (
  blocks: readonly Block[],
  given: { generation: () => number; signal: AbortSignal; onError(error: unknown): void },
): Site => ({
  zones: blocks.flatMap(block => block.zones),
  byZone: new Map(blocks.flatMap(block => block.zones.map(zone => [zone, block] as const))),
  cache: new PacketCache(given.generation),
  signal: given.signal,
  onError: given.onError,
})

const noop = (): void => {}
const local = { address: '127.0.0.1', port: 0 }

/** Answers for a question that is wrong in itself, undefined for one that may go down the chain. */
const refusal = (message: Message): Message | undefined => {
  if (message.opcode !== 0) return replyTo(message, { rcode: rcodes.NOTIMP })
  const [question] = message.questions
  if (question === undefined || message.questions.length !== 1)
    return replyTo(message, { rcode: rcodes.FORMERR, questions: [] })
  // RFC 6891, 6.1.3: a version we do not know.
  if (message.edns !== undefined && message.edns.version > 0) return replyTo(message, { rcode: rcodes.BADVERS })
  const transfer = question.type === types.AXFR || question.type === types.IXFR
  if (transfer || (question.class !== classes.IN && question.class !== classes.ANY))
    return replyTo(message, { rcode: rcodes.REFUSED })
  return undefined
}

const ask = (
  site: Site,
  message: Message,
  from: Pick<Query, 'transport' | 'client'>,
  depth: number,
): Answer | Promise<Answer> => {
  const [question] = message.questions
  const name = normalName(question?.name ?? '.')
  const zone = closestZone(site.zones, name)
  const block = zone === undefined ? undefined : site.byZone.get(zone)
  if (block === undefined) return { kind: 'pass' }
  const query: Query = {
    message,
    name,
    type: question?.type ?? 0,
    transport: from.transport,
    client: from.client,
    signal: site.signal,
    resolve: async (target, type) => {
      if (depth >= MAX_ALIASES) throw new SkiffError('UNAVAILABLE', `${name}: more than ${MAX_ALIASES} aliases`)
      return askSite(site, { name: target, type, depth: depth + 1 })
    },
  }
  return runChain(block.steps, query)
}

/** A question of our own to the server, as any client's: 'pass' is REFUSED. */
export const askSite = async (
  site: Site,
  { name, type, depth = 0 }: { name: string; type: number; depth?: number },
): Promise<Message> => {
  const message = newQuery(0, { name, type, class: classes.IN })
  const answer = await ask(site, message, { transport: 'udp', client: local }, depth)
  return answer.kind === 'reply' ? answer.message : replyTo(message, { rcode: rcodes.REFUSED })
}

/** Twelve bytes are enough to say "I do not understand": with the id, and the opcode and RD bit it came with. */
const formatError = (bytes: Buffer): Buffer => {
  const reply = Buffer.alloc(12)
  bytes.copy(reply, 0, 0, 2)
  reply[2] = 0x80 | ((bytes[2] ?? 0) & 0x79)
  reply[3] = rcodes.FORMERR
  return reply
}

/** Serves one packet. Never throws; replies to others' replies are never sent (two servers could talk for ever). */
export const servePacket = (site: Site, packet: Packet): void => {
  const startedAt = performance.now()
  const { bytes } = packet
  if (bytes.length < 12 || ((bytes[2] ?? 0) & 0x80) !== 0) return
  const key = site.cache.key(bytes, packet.transport)
  const hit = site.cache.get(key)
  if (hit !== undefined) {
    bytes.copy(hit.reply, 0, 0, 2)
    packet.send(hit.reply)
    if (site.byZone.get(hit.template.zone)?.observers.length === 0) return
    const id = bytes.readUInt16BE(0)
    tell(site, { ...hit.template, client: packet.client, id, durationMs: performance.now() - startedAt })
    return
  }
  let message: Message
  try {
    message = decodeMessage(bytes)
  } catch {
    packet.send(formatError(bytes))
    return
  }
  const finish = (answer: Answer): void => respond(site, packet, { message, answer, key, generation, startedAt })
  const generation = site.cache.generation
  const refused = refusal(message)
  if (refused !== undefined) return finish({ kind: 'reply', message: refused })
  const failed = (error: unknown): void => {
    if (!site.signal.aborted) site.onError(error)
    finish({ kind: 'reply', message: replyTo(message, { rcode: rcodes.SERVFAIL }) })
  }
  try {
    const answer = ask(site, message, packet, 0)
    if (answer instanceof Promise) answer.then(finish).catch(failed).catch(noop)
    else finish(answer)
  } catch (error) {
    failed(error)
  }
}

interface Outcome {
  message: Message
  answer: Answer
  key: string
  generation: number
  startedAt: number
}

const respond = (site: Site, packet: Packet, { message, answer, key, generation, startedAt }: Outcome): void => {
  const reply = answer.kind === 'reply' ? answer.message : replyTo(message, { rcode: rcodes.REFUSED })
  const maxSize = packet.transport === 'tcp' ? 65_535 : Math.min(MAX_UDP, message.edns?.udpSize ?? 512)
  let bytes: Buffer
  try {
    bytes = encodeMessage(reply, maxSize)
  } catch (error) {
    site.onError(new SkiffError('INTERNAL', `a reply cannot be encoded: ${messageOf(error)}`, { cause: error }))
    bytes = encodeMessage(replyTo(message, { rcode: rcodes.SERVFAIL }))
  }
  packet.send(bytes)
  const [question] = message.questions
  const zone = question === undefined ? undefined : closestZone(site.zones, normalName(question.name))
  if (question === undefined || zone === undefined) return
  const block = site.byZone.get(zone)
  const template = {
    server: `dns://${zone}:${block?.port ?? 53}`,
    zone,
    transport: packet.transport,
    name: question.name,
    type: question.type,
    class: question.class,
    rcode: reply.rcode,
    authoritative: reply.authoritative,
    dnssecOk: message.edns?.dnssecOk ?? false,
    udpSize: message.edns?.udpSize ?? 512,
    requestBytes: packet.bytes.length,
    replyBytes: bytes.length,
  }
  // Questions with EDNS options (cookies) are different every time: keeping their replies would help nobody.
  const plain = message.edns === undefined || message.edns.options.length === 0
  if (answer.kind === 'reply' && answer.source === 'cluster' && plain)
    site.cache.put(key, generation, { reply: bytes, template, orders: reply.answers.length })
  tell(site, { ...template, client: packet.client, id: message.id, durationMs: performance.now() - startedAt })
}

const tell = (site: Site, served: Served): void => {
  for (const observer of site.byZone.get(served.zone)?.observers ?? []) observer(served)
}
