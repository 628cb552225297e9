/** Where a pool starts, how many numbers it has, and how many of the first are kept for those who ask by number. */
export interface PoolShape {
  first: number
  size: number
  /** Given out of its own accord only when nothing else is left. */
  lowBand: number
  /** In [0, 1). */
  random?: () => number
}

/**
 * Numbers of a range, each given out once. Numbers nobody asked for by name are taken at random from above the low
 * band, so that hand-chosen ones (which people choose low) seldom meet them; upstream's KEP-3070 and KEP-3668.
 */
export class NumberPool {
  readonly first: number
  readonly size: number
  readonly lowBand: number
  readonly #random: () => number
  readonly #taken = new Set<number>()

  constructor({ first, size, lowBand, random = Math.random }: PoolShape) {
    this.first = first
    this.size = size
    this.lowBand = Math.min(lowBand, size)
    this.#random = random
  }

  get free(): number {
    return this.size - this.#taken.size
  }

  includes(value: number): boolean {
    return value >= this.first && value < this.first + this.size
  }

  has(value: number): boolean {
    return this.#taken.has(value)
  }

  /** False when it is taken or not in the range. */
  take(value: number): boolean {
    if (!this.includes(value) || this.#taken.has(value)) return false
    this.#taken.add(value)
    return true
  }

  /** Undefined when every number is taken. */
  takeAny(): number | undefined {
    if (this.free === 0) return undefined
    return this.#takeFrom(this.lowBand, this.size - this.lowBand) ?? this.#takeFrom(0, this.lowBand)
  }

  release(value: number): void {
    this.#taken.delete(value)
  }

  clear(): void {
    this.#taken.clear()
  }

  #takeFrom(offset: number, count: number): number | undefined {
    const start = Math.floor(this.#random() * count)
    for (let i = 0; i < count; i++) {
      const value = this.first + offset + ((start + i) % count)
      if (this.take(value)) return value
    }
    return undefined
  }
}
