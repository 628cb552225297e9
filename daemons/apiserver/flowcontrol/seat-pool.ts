import type { PriorityLevel } from './priority-level.ts'

/**
 * The seats of all levels. A level has its guaranteed ones for itself; above those it takes from what all of them lend,
 * and gives back when a request ends. Who is below its nominal seats goes before who borrows.
 */
export class SeatPool {
  #levels: readonly PriorityLevel[] = []
  #lendable = 0
  #lent = 0
  #turn = 0

  /** Requests under way keep their seats, whatever the new limits are. */
  setLevels(levels: readonly PriorityLevel[]): void {
    this.#levels = levels.filter(({ row }) => !row.exempt)
    this.#lendable = this.#levels.reduce((sum, { limits }) => sum + limits.nominal - limits.guaranteed, 0)
    this.#lent = this.#levels.reduce((sum, { inUse, limits }) => sum + Math.max(0, inUse - limits.guaranteed), 0)
    this.dispatch()
  }

  #mayTake({ inUse, limits }: PriorityLevel): boolean {
    return inUse < limits.guaranteed || (this.#lent < this.#lendable && inUse < limits.most)
  }

  /** Takes a seat, where nobody of the level waits for one and one is free. */
  tryTake(level: PriorityLevel): boolean {
    if (level.row.exempt) {
      level.inUse++
      return true
    }
    if ((level.queues?.length ?? 0) > 0 || !this.#mayTake(level)) return false
    this.#take(level)
    return true
  }

  #take(level: PriorityLevel): void {
    if (level.inUse >= level.limits.guaranteed) this.#lent++
    level.inUse++
  }

  release(level: PriorityLevel): void {
    level.inUse--
    if (level.row.exempt) return
    if (level.inUse >= level.limits.guaranteed && this.#lent > 0) this.#lent--
    this.dispatch()
  }

  /** Lets in who waits, as far as there are seats. */
  dispatch(): void {
    for (let level = this.#next(); level !== undefined; level = this.#next()) {
      const waiting = level.queues?.next()
      if (waiting === undefined) return
      this.#take(level)
      waiting.start()
    }
  }

  /** The level that is to have the next seat: one below its nominal share, else each in turn. */
  #next(): PriorityLevel | undefined {
    let borrower: PriorityLevel | undefined
    const { length } = this.#levels
    for (let i = 0; i < length; i++) {
      const level = this.#levels[(this.#turn + i) % length]
      if (level === undefined || (level.queues?.length ?? 0) === 0 || !this.#mayTake(level)) continue
      if (level.inUse < level.limits.nominal) {
        this.#turn = (this.#turn + i + 1) % length
        return level
      }
      borrower ??= level
    }
    if (borrower !== undefined) this.#turn = (this.#levels.indexOf(borrower) + 1) % length
    return borrower
  }
}
