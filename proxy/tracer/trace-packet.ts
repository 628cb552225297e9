import { isIPv6 } from 'node:net'
import type { Table } from '../iptables/op.ts'
import type { SavedRules } from '../iptables/saved-rules.ts'
import { matchRule, type IsLocal, type PacketState } from './match-rule.ts'
import type { Outcome, Packet, Step } from './packet.ts'

export interface TraceWorld {
  /** The rules: rendered (rulesOfRuleset) or read from the kernel (parseSavedRules of iptables-save). */
  rules: SavedRules
  /** The node's own addresses; 127.0.0.0/8 is always among them. */
  localAddresses: readonly string[]
}

interface Walk {
  probability: number
  packet: PacketState
  masqueraded: boolean
  path: readonly string[]
  steps: readonly Step[]
  unknown: readonly string[]
}

/** What a chain did with a walk: it ended, or came out at the end of the chain. */
type Passage = { walk: Walk; end: 'return' } | { walk: Walk; end: 'accept' } | { walk: Walk; end: 'drop' | 'reject' }

const splitHostPort = (text: string): { host: string; port: number | undefined } => {
  const match = /^\[?([^\]]+?)\]?:(\d+)$/.exec(text)
  if (match?.[1] === undefined || isIPv6(text)) return { host: text, port: undefined }
  return { host: match[1], port: Number(match[2]) }
}

const markAfter = (mark: number, args: readonly string[]): number => {
  const [option = '', text = ''] = args
  const [value = '0', mask = '0xffffffff'] = text.split('/')
  if (option === '--or-mark') return (mark | Number(value)) >>> 0
  if (option === '--xor-mark') return (mark ^ Number(value)) >>> 0
  if (option === '--and-mark') return (mark & Number(value)) >>> 0
  // --set-xmark value/mask: clears the mask's bits, then flips the value's: how iptables-save writes all of them.
  if (option === '--set-xmark') return ((mark & ~Number(mask)) ^ Number(value)) >>> 0
  return ((mark & ~Number(mask)) | Number(value)) >>> 0
}

class Tracer {
  readonly #world: TraceWorld
  readonly #isLocal: IsLocal
  constructor(world: TraceWorld) {
    this.#world = world
    const mine = new Set(world.localAddresses)
    this.#isLocal = address => address.startsWith('127.') || address === '::1' || mine.has(address)
  }

  isLocal(address: string): boolean {
    return this.#isLocal(address)
  }

  /** Sends a walk through a chain; chance splits it, so several may come out. `depth` bounds loops in broken rules. */
  chain(table: Table, name: string, start: Walk, depth = 0): Passage[] {
    const rules = this.#world.rules.get(table)?.chains.get(name)?.rules
    let walk: Walk = { ...start, path: [...start.path, `${table}/${name}`] }
    if (rules === undefined || depth > 20) return [{ walk, end: 'return' }]
    const out: Passage[] = []
    for (const rule of rules) {
      const { probability, target, unknown } = matchRule(rule, walk.packet, this.#isLocal)
      if (unknown !== undefined) walk = { ...walk, unknown: [...walk.unknown, `${table}/${name}: ${unknown}`] }
      if (probability === 0 || target === undefined) continue
      const step: Step = { table, chain: name, rule }
      const taken = { ...walk, probability: walk.probability * probability, steps: [...walk.steps, step] }
      const passages = this.#target(table, target, taken, depth)
      const back = passages.filter(p => p.end === 'return')
      out.push(...passages.filter(p => p.end !== 'return'))
      // A rule taken by chance leaves the rest of the probability to the rules below it.
      if (probability < 1) {
        out.push(...back)
        walk = { ...walk, probability: walk.probability * (1 - probability) }
      } else if (target.name === 'RETURN') return [...out, ...back]
      else if (back.length === 0) return out
      else {
        const [first, ...others] = back
        out.push(...others)
        if (first !== undefined) walk = first.walk
      }
    }
    return [...out, { walk, end: 'return' }]
  }

  #target(table: Table, target: { name: string; args: readonly string[] }, walk: Walk, depth: number): Passage[] {
    const { name, args } = target
    switch (name) {
      case 'ACCEPT':
        return [{ walk, end: 'accept' }]
      case 'DROP':
        return [{ walk, end: 'drop' }]
      case 'REJECT':
        return [{ walk, end: 'reject' }]
      case 'RETURN':
        return [{ walk, end: 'return' }]
      case 'MARK':
        return [
          { walk: { ...walk, packet: { ...walk.packet, mark: markAfter(walk.packet.mark, args) } }, end: 'return' },
        ]
      case 'DNAT': {
        const { host, port } = splitHostPort(args[args.indexOf('--to-destination') + 1] ?? '')
        const packet = {
          ...walk.packet,
          destination: host,
          destinationPort: port ?? walk.packet.destinationPort,
          dnat: true,
        }
        return [{ walk: { ...walk, packet }, end: 'accept' }]
      }
      case 'MASQUERADE':
      case 'SNAT':
        return [{ walk: { ...walk, masqueraded: true }, end: 'accept' }]
      case 'LOG':
        return [{ walk, end: 'return' }]
      default:
        if (this.#world.rules.get(table)?.chains.has(name) === true) return this.chain(table, name, walk, depth + 1)
        return [
          { walk: { ...walk, unknown: [...walk.unknown, `${table}/${walk.path.at(-1)}: -j ${name}`] }, end: 'return' },
        ]
    }
  }

  /** A hook: one of the kernel's chains, with its policy at the end. */
  hook(table: Table, name: string, walk: Walk): Passage[] {
    const policy = this.#world.rules.get(table)?.chains.get(name)?.policy
    return this.chain(table, name, walk).map(passage =>
      passage.end === 'return' ? { walk: passage.walk, end: policy === 'DROP' ? 'drop' : 'accept' } : passage,
    )
  }
}

const outcome = ({ walk, end }: Passage): Outcome => ({
  probability: walk.probability,
  verdict: end === 'return' ? 'accept' : end,
  destination: walk.packet.destination,
  destinationPort: walk.packet.destinationPort,
  masqueraded: walk.masqueraded,
  path: walk.path,
  steps: walk.steps,
  unknown: walk.unknown,
})

/**
 * Walks a new connection's first packet through nat and filter as the kernel does, and returns every way it can go.
 *
 * ```
 * from network: nat PREROUTING -> (local? filter INPUT : filter FORWARD -> nat POSTROUTING)
 * from node:    nat OUTPUT -> filter OUTPUT -> nat POSTROUTING
 * ```
 */
export const tracePacket = (packet: Packet, world: TraceWorld): Outcome[] => {
  const tracer = new Tracer(world)
  const start: Walk = {
    probability: 1,
    packet: { ...packet, mark: 0, dnat: false },
    masqueraded: false,
    path: [],
    steps: [],
    unknown: [],
  }
  const through = (passages: Passage[], go: (walk: Walk) => Passage[]): Passage[] =>
    passages.flatMap(p => (p.end === 'accept' ? go(p.walk) : [p]))
  const routed = through(tracer.hook('nat', packet.from === 'node' ? 'OUTPUT' : 'PREROUTING', start), walk => {
    const hook = packet.from === 'node' ? 'OUTPUT' : tracer.isLocal(walk.packet.destination) ? 'INPUT' : 'FORWARD'
    return tracer.hook('filter', hook, walk)
  })
  return through(routed, walk =>
    packet.from === 'network' && tracer.isLocal(walk.packet.destination)
      ? [{ walk, end: 'accept' }]
      : tracer.hook('nat', 'POSTROUTING', walk),
  ).map(outcome)
}
