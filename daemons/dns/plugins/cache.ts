import type { Clock } from '../../../kube/clock.ts'
import type { Directive } from '../corefile/corefile.ts'
import { durationMs, refuseProperty, wholeNumber, zonesFrom } from '../corefile/read-directive.ts'
import { rcodes, replyTo, type Message, type ResourceRecord } from '../message/message.ts'
import { closestZone } from '../message/name.ts'
import {
  andThen,
  type Answer,
  type DnsMetrics,
  type Plugin,
  type Query,
  type SetupContext,
  type Step,
} from './plugin.ts'

interface Kind {
  capacity: number
  maxTtl: number
  minTtl: number
}

interface CacheConfig {
  zones: readonly string[]
  success: Kind
  denial: Kind
  /** Seconds that a SERVFAIL is kept. */
  servfailTtl: number
  keepTtl: boolean
  noSuccess: readonly string[]
  noDenial: readonly string[]
}

interface Entry {
  message: Message
  storedAt: number
  ttl: number
}

const readKind = (property: Directive, kind: Kind): Kind => ({
  capacity: wholeNumber(property, property.args[0] ?? String(kind.capacity), [1, 10_000_000]),
  maxTtl: wholeNumber(property, property.args[1] ?? String(kind.maxTtl), [1, 86_400 * 7]),
  minTtl: wholeNumber(property, property.args[2] ?? String(kind.minTtl), [0, 86_400]),
})

const readConfig = (directive: Directive, blockZones: readonly string[]): CacheConfig => {
  const hasTtl = /^\d+$/.test(directive.args[0] ?? '')
  const max = hasTtl ? wholeNumber(directive, directive.args[0], [1, 86_400]) : undefined
  const config: CacheConfig = {
    zones: zonesFrom(directive, directive.args.slice(hasTtl ? 1 : 0), blockZones),
    success: { capacity: 9984, maxTtl: max ?? 3600, minTtl: 5 },
    denial: { capacity: 9984, maxTtl: max ?? 1800, minTtl: 5 },
    servfailTtl: 5,
    keepTtl: false,
    noSuccess: [],
    noDenial: [],
  }
  for (const property of directive.body) {
    if (property.name === 'success') config.success = readKind(property, config.success)
    else if (property.name === 'denial') config.denial = readKind(property, config.denial)
    else if (property.name === 'servfail')
      config.servfailTtl = Math.min(300, durationMs(property, property.args[0]) / 1000)
    else if (property.name === 'keepttl') config.keepTtl = true
    else if (property.name === 'disable' && property.args[0] === 'success')
      config.noSuccess = zonesFrom(property, property.args.slice(1), ['.'])
    else if (property.name === 'disable' && property.args[0] === 'denial')
      config.noDenial = zonesFrom(property, property.args.slice(1), ['.'])
    else refuseProperty('cache', property, ['prefetch', 'serve_stale', 'disable'])
  }
  return config
}

/** The shortest life of what a reply says; for a negative one the SOA's minimum counts too (RFC 2308). */
export const lifeOf = (message: Message): number => {
  let ttl = Infinity
  for (const record of [...message.answers, ...message.authorities, ...message.additionals])
    ttl = Math.min(ttl, record.data.kind === 'soa' ? Math.min(record.ttl, record.data.minimum) : record.ttl)
  return ttl === Infinity ? 0 : ttl
}

class CacheStep implements Step {
  readonly plugin = 'cache'
  readonly #config: CacheConfig
  readonly #clock: Clock
  readonly #metrics: DnsMetrics | undefined
  readonly #positive = new Map<string, Entry>()
  readonly #negative = new Map<string, Entry>()
  constructor(config: CacheConfig, { clock, metrics }: Pick<SetupContext, 'clock' | 'metrics'>) {
    this.#config = config
    this.#clock = clock
    this.#metrics = metrics
  }

  answer(query: Query, next: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
    if (closestZone(this.#config.zones, query.name) === undefined) return next()
    const { message } = query
    const key = `${query.type} ${message.questions[0]?.class ?? 1} ${message.edns?.dnssecOk === true ? 1 : 0}${message.checkingDisabled ? 1 : 0} ${query.name}`
    const hit = this.#find(this.#positive, key) ?? this.#find(this.#negative, key)
    this.#metrics?.cache(hit !== undefined)
    if (hit !== undefined) return { kind: 'reply', message: this.#aged(query, hit) }
    return andThen(next(), answer => {
      this.#store(query, key, answer)
      return answer
    })
  }

  #find(map: Map<string, Entry>, key: string): Entry | undefined {
    const entry = map.get(key)
    if (entry === undefined) return undefined
    if (this.#clock.now() < entry.storedAt + entry.ttl * 1000) return entry
    map.delete(key)
    return undefined
  }

  #aged(query: Query, entry: Entry): Message {
    const age = this.#config.keepTtl ? 0 : Math.floor((this.#clock.now() - entry.storedAt) / 1000)
    const aged = (records: readonly ResourceRecord[]) =>
      records.map(record => ({ ...record, ttl: Math.max(0, Math.min(record.ttl, entry.ttl) - age) }))
    const { rcode, authoritative, recursionAvailable, authenticData, answers, authorities, additionals } = entry.message
    return replyTo(query.message, {
      rcode,
      authoritative,
      recursionAvailable,
      authenticData,
      answers: aged(answers),
      authorities: aged(authorities),
      additionals: aged(additionals),
    })
  }

  /** The cluster's own answers are never kept: they come from memory, and must change when the cluster does. */
  #store(query: Query, key: string, answer: Answer): void {
    if (answer.kind === 'pass' || answer.source === 'cluster') return
    const { message } = answer
    if (message.truncated) return
    const { success, denial, servfailTtl, noSuccess, noDenial } = this.#config
    const isPositive = message.rcode === rcodes.NOERROR && message.answers.length > 0
    if (isPositive) {
      if (closestZone(noSuccess, query.name) === undefined)
        this.#put(this.#positive, success, [key, message, lifeOf(message)])
    } else if (message.rcode === rcodes.NOERROR || message.rcode === rcodes.NXDOMAIN) {
      if (closestZone(noDenial, query.name) === undefined)
        this.#put(this.#negative, denial, [key, message, lifeOf(message)])
    } else if (message.rcode === rcodes.SERVFAIL && servfailTtl > 0)
      this.#put(this.#negative, { ...denial, minTtl: servfailTtl, maxTtl: servfailTtl }, [key, message, servfailTtl])
  }

  #put(map: Map<string, Entry>, kind: Kind, [key, message, life]: [string, Message, number]): void {
    const ttl = Math.min(kind.maxTtl, Math.max(kind.minTtl, life))
    if (ttl <= 0) return
    // A Map keeps the order of insertion: the oldest entry goes first.
    const oldest = map.size >= kind.capacity ? map.keys().next().value : undefined
    if (oldest !== undefined) map.delete(oldest)
    map.set(key, { message, storedAt: this.#clock.now(), ttl })
  }
}

/** cache: keeps what others answered, never longer than they allow beyond a floor of 5 seconds. */
export const cache: Plugin = {
  name: 'cache',
  setup: (directive, context) => ({ step: new CacheStep(readConfig(directive, context.zones), context) }),
}
