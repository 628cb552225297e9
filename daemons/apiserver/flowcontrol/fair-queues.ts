import { dealHand } from './shuffle-shard.ts'

/** A request that waits for its turn. */
export interface Waiting {
  /** It may go on. */
  start(): void
}

export interface QueuingRules {
  queues: number
  handSize: number
  queueLengthLimit: number
}

/** Requests that wait: first in, first out within a queue, and one queue after the other. */
export class FairQueues {
  readonly #rules: QueuingRules
  /** Those that somebody waits in, in the order in which their turn comes. */
  readonly #queues = new Map<number, Set<Waiting>>()
  #length = 0
  constructor(rules: QueuingRules) {
    this.#rules = rules
  }

  get length(): number {
    return this.#length
  }

  /** Puts a request into the shortest queue of its flow's hand. False: even that is full. */
  add(flow: string, waiting: Waiting): (() => void) | undefined {
    const { queues, handSize, queueLengthLimit } = this.#rules
    let best = -1
    let shortest = Infinity
    for (const card of dealHand(flow, queues, handSize)) {
      const length = this.#queues.get(card)?.size ?? 0
      if (length < shortest) [best, shortest] = [card, length]
    }
    if (shortest >= queueLengthLimit) return undefined
    const queue = this.#queues.get(best) ?? new Set<Waiting>()
    this.#queues.set(best, queue)
    queue.add(waiting)
    this.#length++
    return () => this.#remove(best, waiting)
  }

  /** Takes out who is next; undefined: nobody waits. */
  next(): Waiting | undefined {
    for (const [index, queue] of this.#queues)
      for (const waiting of queue) {
        this.#remove(index, waiting)
        // Its turn comes again after all the others'.
        if (this.#queues.delete(index)) this.#queues.set(index, queue)
        return waiting
      }
    return undefined
  }

  #remove(index: number, waiting: Waiting): void {
    const queue = this.#queues.get(index)
    if (queue?.delete(waiting) !== true) return
    this.#length--
    if (queue.size === 0) this.#queues.delete(index)
  }
}
