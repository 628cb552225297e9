import type { Served, Transport } from '../plugins/plugin.ts'

type Template = Omit<Served, 'client' | 'id' | 'durationMs'>

interface Entry {
  /** The same reply with its addresses in several orders, so that clients still spread. */
  variants: Buffer[]
  wanted: number
  next: number
  template: Template
}

const MAX_ENTRIES = 10_000
const MAX_VARIANTS = 8

export interface PacketHit {
  reply: Buffer
  template: Template
}

/**
 * Whole replies by the bytes of their question (all but the id). Only replies that depend on the cluster's index alone
 * are kept, for exactly as long as the index stays as it is: a hit costs one map look-up and a copy.
 */
export class PacketCache {
  readonly #entries = new Map<string, Entry>()
  readonly #generation: () => number
  #seen = 0
  constructor(generation: () => number) {
    this.#generation = generation
  }

  key(question: Buffer, transport: Transport): string {
    return transport + question.toString('latin1', 2)
  }

  get(key: string): PacketHit | undefined {
    this.#check()
    const entry = this.#entries.get(key)
    // Until all orders were made, the chain is asked again for the next one.
    if (entry === undefined || entry.variants.length < entry.wanted) return undefined
    const variant = entry.variants[entry.next++ % entry.variants.length]
    return variant === undefined ? undefined : { reply: Buffer.from(variant), template: entry.template }
  }

  /** `generation` is the one the reply was made from: a change in the meantime makes it worthless. */
  put(key: string, generation: number, kept: { reply: Buffer; template: Template; orders: number }): void {
    this.#check()
    if (generation !== this.#seen) return
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      if (entry.variants.length < entry.wanted) entry.variants.push(kept.reply)
      return
    }
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear()
    const wanted = Math.min(MAX_VARIANTS, Math.max(1, kept.orders))
    this.#entries.set(key, { variants: [kept.reply], wanted, next: 0, template: kept.template })
  }

  get generation(): number {
    this.#check()
    return this.#seen
  }

  #check(): void {
    const generation = this.#generation()
    if (generation === this.#seen) return
    this.#seen = generation
    this.#entries.clear()
  }
}
