import type { Logger } from 'pino'
import type { Clock } from '../../../kube/clock.ts'
import type { Directive } from '../corefile/corefile.ts'
import type { ClusterSource } from '../kubernetes/cluster-source.ts'
import type { Message } from '../message/message.ts'

export type Transport = 'udp' | 'tcp'

/** One question on its way through a chain. */
export interface Query {
  readonly message: Message
  /** Normal: lower case, closing dot. */
  readonly name: string
  readonly type: number
  readonly transport: Transport
  readonly client: { readonly address: string; readonly port: number }
  /** Aborts when the daemon stops or the block is replaced and drained. */
  readonly signal: AbortSignal
  /** Asks the whole server, as a client would: for the targets of aliases. Throws UNAVAILABLE past eight aliases. */
  resolve(name: string, type: number): Promise<Message>
}

/**
 * What a step says. `source: 'cluster'` marks a reply that depends on nothing but the cluster's index: it is good for
 * exactly as long as the index does not change, so the caches treat it apart.
 */
export type Answer = { kind: 'reply'; message: Message; source?: 'cluster' } | { kind: 'pass' }
export type MaybePromise<T> = T | Promise<T>
export type Next = () => MaybePromise<Answer>

/** A step of the chain: it replies, passes on with `next()`, or changes what comes back from `next()`. */
export interface Step {
  readonly plugin: string
  answer(query: Query, next: Next): MaybePromise<Answer>
}

/** What is known of a reply that was sent; also for those out of the cache of whole packets. */
export interface Served {
  /** `dns://.:53` */
  server: string
  zone: string
  transport: Transport
  client: { readonly address: string; readonly port: number }
  id: number
  name: string
  type: number
  class: number
  rcode: number
  authoritative: boolean
  dnssecOk: boolean
  udpSize: number
  requestBytes: number
  replyBytes: number
  durationMs: number
}
export type Observer = (served: Served) => void

export interface HttpReply {
  status: number
  contentType: string
  body: string
}

export interface HttpRoute {
  /** `host:port`; an empty host is every address. */
  address: string
  path: string
  handle(): MaybePromise<HttpReply>
}

/** What a directive comes to: data and functions; nothing has happened on the machine yet. */
export interface Setup {
  step?: Step
  observer?: Observer
  http?: readonly HttpRoute[]
  /** Addresses to listen on instead of the daemon's own. */
  bind?: readonly string[]
  ready?(): boolean
  reloadEveryMs?: number
  lameduckMs?: number
  /** Work in the background until the signal aborts (it does when the Corefile is replaced). Must not throw. */
  start?(signal: AbortSignal): void
}

/** What the daemon gives every plugin. */
export interface SetupContext {
  /** Zones of the block, normal. */
  readonly zones: readonly string[]
  readonly port: number
  readonly log: Logger
  readonly clock: Clock
  cluster(): ClusterSource
  readFile(path: string): string
  /** Every address and port that leads to this daemon, for refusing loops: `10.96.0.10:53`, `[::1]:53`. */
  listening(): readonly string[]
  /** The addresses clients know this DNS service by. */
  serverAddresses(): readonly string[]
  /** True when every plugin that can tell is ready. */
  notReady(): string[]
  /** Asks the block itself, for the loop check. */
  ask(name: string, type: number, signal: AbortSignal): Promise<Message>
  /** Undefined unless some block has `prometheus`: its library is loaded only then. */
  readonly metrics: DnsMetrics | undefined
}

/** Counters under CoreDNS's names. */
export interface DnsMetrics {
  observe(served: Served): void
  cache(hit: boolean): void
  /** In Prometheus' text format. */
  text(): Promise<string>
}

export interface Plugin {
  readonly name: string
  /** Throws INVALID_INPUT or NOT_IMPLEMENTED that names file and line. */
  setup(directive: Directive, context: SetupContext): Setup
}

/** Goes on at once where the value is there, so that answers from memory take no turn of the event loop. */
export const andThen = <A, B>(value: MaybePromise<A>, work: (value: A) => B): MaybePromise<B> =>
  value instanceof Promise ? value.then(work) : work(value)
