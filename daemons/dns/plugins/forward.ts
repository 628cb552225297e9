import { isIP } from 'node:net'
import { randomInt } from 'node:crypto'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { corefileError, notImplementedAt, type Directive } from '../corefile/corefile.ts'
import { durationMs, refuseProperty, wholeNumber, zonesFrom } from '../corefile/read-directive.ts'
import { newQuery, OUR_UDP_SIZE, rcodes, replyTo, types, type Message } from '../message/message.ts'
import { closestZone } from '../message/name.ts'
import type { Answer, Plugin, Query, SetupContext, Step } from './plugin.ts'
import { exchange, type UpstreamAddress } from './upstream.ts'

type Policy = 'random' | 'round_robin' | 'sequential'

export interface ForwardConfig {
  zone: string
  upstreams: UpstreamAddress[]
  except: string[]
  forceTcp: boolean
  policy: Policy
  maxFails: number
  healthCheckMs: number
  maxConcurrent: number
  /** Addresses of a resolv.conf may be our own: those are passed over. Ones that were written by hand may not. */
  fromFile: boolean
}

const ATTEMPT_MS = 2000
const TOTAL_MS = 5000
const notBuilt = [
  'tls',
  'tls_servername',
  'expire',
  'failfast_all_unhealthy_upstreams',
  'next',
  'failover',
  'max_connect_attempts',
  'max_age',
]

/** `9.9.9.9`, `9.9.9.9:53`, `[::1]:53`, `dns://…`; undefined when it is none of these. */
const parseAddress = (text: string): UpstreamAddress | undefined => {
  const bare = text.replace(/^dns:\/\//, '')
  if (isIP(bare) !== 0) return { address: bare, port: 53 }
  const match = /^\[?([^\]]+)\]?:(\d+)$/.exec(bare)
  if (match?.[1] === undefined || isIP(match[1]) === 0 || Number(match[2]) > 65_535) return undefined
  return { address: match[1], port: Number(match[2]) }
}

/** The `nameserver` lines of a resolv.conf(5). */
export const nameserversOf = (text: string): UpstreamAddress[] =>
  text.split('\n').flatMap(line => {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1]?.replace(/%.*$/, '') ?? ''
    return isIP(address) === 0 ? [] : [{ address, port: 53 }]
  })

const readUpstreams = (
  directive: Directive,
  context: SetupContext,
): { upstreams: UpstreamAddress[]; fromFile: boolean } => {
  const words = directive.args.slice(1)
  if (words.length === 0) throw corefileError(directive, 'needs a zone and at least one address or a resolv.conf')
  let fromFile = false
  const upstreams = words.flatMap(word => {
    if (/^(tls|https|grpc|quic):\/\//.test(word))
      throw notImplementedAt(directive, `plugin forward: ${word} is not implemented`)
    const address = parseAddress(word)
    if (address !== undefined) return [address]
    fromFile = true
    try {
      return nameserversOf(context.readFile(word))
    } catch (cause) {
      throw corefileError(directive, `${word} is neither an address nor a readable file: ${messageOf(cause)}`)
    }
  })
  return { upstreams, fromFile }
}

const readConfig = (directive: Directive, context: SetupContext): ForwardConfig => {
  const [zone = '.'] = zonesFrom(directive, directive.args.slice(0, 1), ['.'])
  const config: ForwardConfig = {
    zone,
    ...readUpstreams(directive, context),
    except: [],
    forceTcp: false,
    policy: 'random',
    maxFails: 2,
    healthCheckMs: 500,
    maxConcurrent: 0,
  }
  for (const property of directive.body) {
    const [first] = property.args
    if (property.name === 'except') config.except = zonesFrom(property, property.args, [])
    else if (property.name === 'force_tcp') config.forceTcp = true
    else if (property.name === 'prefer_udp') config.forceTcp = false
    else if (property.name === 'max_fails') config.maxFails = wholeNumber(property, first, [0, 1_000_000])
    else if (property.name === 'max_concurrent') config.maxConcurrent = wholeNumber(property, first, [0, 1_000_000])
    else if (property.name === 'health_check') config.healthCheckMs = Math.max(100, durationMs(property, first))
    else if (property.name === 'policy') {
      if (first !== 'random' && first !== 'round_robin' && first !== 'sequential')
        throw corefileError(property, `${JSON.stringify(first ?? '')} is not random, round_robin or sequential`)
      config.policy = first
    } else refuseProperty('forward', property, notBuilt)
  }
  return config
}

interface Upstream extends UpstreamAddress {
  fails: number
  probing: boolean
}

class ForwardStep implements Step {
  readonly plugin = 'forward'
  readonly #config: ForwardConfig
  readonly #context: SetupContext
  readonly #upstreams: Upstream[]
  #turn = 0
  #underWay = 0
  #selfChecked = false
  #running: AbortSignal = new AbortController().signal
  constructor(config: ForwardConfig, context: SetupContext) {
    this.#config = config
    this.#context = context
    this.#upstreams = config.upstreams.map(upstream => ({ ...upstream, fails: 0, probing: false }))
  }

  start(signal: AbortSignal): void {
    this.#running = signal
    this.#passOverOurselves()
    if (this.#upstreams.length === 0)
      this.#context.log.warn('forward: there is no upstream resolver: names outside the cluster get SERVFAIL')
  }

  answer(query: Query, next: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
    const { zone, except, maxConcurrent } = this.#config
    if (closestZone([zone], query.name) === undefined || closestZone(except, query.name) !== undefined) return next()
    if (maxConcurrent > 0 && this.#underWay >= maxConcurrent)
      return { kind: 'reply', message: replyTo(query.message, { rcode: rcodes.REFUSED }) }
    this.#passOverOurselves()
    return this.#forward(query)
  }

  /** An upstream that is this very server would ask itself until its sockets run out. */
  #passOverOurselves(): void {
    if (this.#selfChecked || this.#context.listening().length === 0) return
    this.#selfChecked = true
    const own = new Set(this.#context.listening())
    for (const upstream of this.#upstreams.slice()) {
      const name = `${upstream.address}:${upstream.port}`
      if (!own.has(name) && !own.has(`[${upstream.address}]:${upstream.port}`)) continue
      this.#upstreams.splice(this.#upstreams.indexOf(upstream), 1)
      this.#context.log.warn({ upstream: name }, 'forward: an upstream is this server itself: passed over')
    }
  }

  async #forward(query: Query): Promise<Answer> {
    const asked = query.message.questions[0]
    if (asked === undefined || this.#upstreams.length === 0)
      return { kind: 'reply', message: replyTo(query.message, { rcode: rcodes.SERVFAIL }) }
    const { edns } = query.message
    const outgoing: Message = {
      ...newQuery(0, asked),
      recursionDesired: query.message.recursionDesired,
      checkingDisabled: query.message.checkingDisabled,
      edns: { udpSize: OUR_UDP_SIZE, version: 0, dnssecOk: edns?.dnssecOk ?? false, options: Buffer.alloc(0) },
    }
    this.#underWay++
    try {
      const reply = await this.#tryAll(outgoing, query.signal)
      const { rcode, recursionAvailable, authenticData, answers, authorities, additionals } = reply
      return {
        kind: 'reply',
        message: replyTo(query.message, {
          rcode,
          recursionAvailable,
          authenticData,
          answers,
          authorities,
          additionals,
        }),
      }
    } finally {
      this.#underWay--
    }
  }

  async #tryAll(outgoing: Message, signal: AbortSignal): Promise<Message> {
    const deadline = performance.now() + TOTAL_MS
    const order = this.#order()
    let last: unknown
    for (let i = 0; performance.now() < deadline && i < Math.max(2, order.length * 2); i++) {
      const upstream = order[i % order.length]
      if (upstream === undefined) break
      try {
        const timeoutMs = Math.min(ATTEMPT_MS, Math.max(1, deadline - performance.now()))
        const reply = await exchange(outgoing, { to: upstream, timeoutMs, signal, forceTcp: this.#config.forceTcp })
        upstream.fails = 0
        return reply
      } catch (error) {
        if (signal.aborted) throw error
        last = error
        this.#failed(upstream)
      }
    }
    throw new SkiffError('UNAVAILABLE', `forward: ${messageOf(last)}`, { cause: last })
  }

  /** Healthy ones by the policy, the others after them: when all are down, one of them may be back. */
  #order(): Upstream[] {
    const { policy, maxFails } = this.#config
    const shift =
      policy === 'sequential'
        ? 0
        : policy === 'random'
          ? randomInt(this.#upstreams.length)
          : this.#turn++ % this.#upstreams.length
    const turned = [...this.#upstreams.slice(shift), ...this.#upstreams.slice(0, shift)]
    const down = (upstream: Upstream) => maxFails > 0 && upstream.fails >= maxFails
    return [...turned.filter(upstream => !down(upstream)), ...turned.filter(down)]
  }

  #failed(upstream: Upstream): void {
    upstream.fails++
    const { maxFails } = this.#config
    if (maxFails === 0 || upstream.fails < maxFails || upstream.probing) return
    upstream.probing = true
    this.#context.log.warn({ upstream: `${upstream.address}:${upstream.port}` }, 'forward: an upstream does not answer')
    this.#probe(upstream).catch(() => {})
  }

  /** Asks for the root's name servers until something comes back; any answer will do. */
  async #probe(upstream: Upstream): Promise<void> {
    const probe = newQuery(0, { name: '.', type: types.NS, class: 1 })
    try {
      while (upstream.fails > 0) {
        await this.#context.clock.sleep(this.#config.healthCheckMs, this.#running)
        try {
          const timeoutMs = ATTEMPT_MS
          await exchange(probe, { to: upstream, timeoutMs, signal: this.#running, forceTcp: this.#config.forceTcp })
          upstream.fails = 0
        } catch (error) {
          if (this.#running.aborted) throw error
        }
      }
    } finally {
      upstream.probing = false
    }
  }
}

/** forward: what nobody before answered goes to other resolvers. */
export const forward: Plugin = {
  name: 'forward',
  setup: (directive, context) => {
    const config = readConfig(directive, context)
    const own = new Set(context.listening())
    const itself = config.upstreams.find(
      ({ address, port }) => own.has(`${address}:${port}`) || own.has(`[${address}]:${port}`),
    )
    if (itself !== undefined && !config.fromFile)
      throw corefileError(directive, `${itself.address}:${itself.port} is this server itself`)
    const step = new ForwardStep(config, context)
    return { step, start: signal => step.start(signal) }
  },
}
