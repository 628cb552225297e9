import type { PriorityLevelConfiguration } from 'kubernetes-types/flowcontrol/v1.js'
import type { Draft } from '../kinds/draft.ts'
import { FairQueues } from './fair-queues.ts'

/** How many requests a level may carry out at once, in seats. */
export interface SeatLimits {
  nominal: number
  /** What it always has: the rest of its nominal seats others may borrow while it does not need them. */
  guaranteed: number
  /** With all that it may borrow. */
  most: number
}

/** What a level is, of its object. */
export interface LevelRow {
  name: string
  uid: string
  exempt: boolean
  shares: number
  /** In 100 of its nominal seats. */
  lendablePercent: number
  /** In 100 of its nominal seats; undefined: as much as there is. */
  borrowingLimitPercent: number | undefined
  /** Undefined: whoever comes too many is refused at once. */
  queuing: { queues: number; handSize: number; queueLengthLimit: number } | undefined
}

export const levelRowOf = ({ metadata, spec }: Draft<PriorityLevelConfiguration>): LevelRow => {
  const { name = '', uid = '' } = metadata ?? {}
  const exempt = spec?.type === 'Exempt'
  const { nominalConcurrencyShares, lendablePercent } = (exempt ? spec?.exempt : spec?.limited) ?? {}
  const { limitResponse, borrowingLimitPercent } = spec?.limited ?? {}
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = limitResponse?.queuing ?? {}
  return {
    name,
    uid,
    exempt,
    shares: nominalConcurrencyShares ?? (exempt ? 0 : 30),
    lendablePercent: lendablePercent ?? 0,
    borrowingLimitPercent: borrowingLimitPercent ?? undefined,
    queuing: limitResponse?.type === 'Queue' ? { queues, handSize, queueLengthLimit } : undefined,
  }
}

/** Seats of all levels, by their shares: upstream's rule, rounded up so that each has one. */
export const seatLimits = (row: LevelRow, totalSeats: number, totalShares: number): SeatLimits => {
  const nominal = totalShares === 0 ? 0 : Math.ceil((totalSeats * row.shares) / totalShares)
  const lendable = Math.round((nominal * row.lendablePercent) / 100)
  const borrowed =
    row.borrowingLimitPercent === undefined ? Infinity : Math.round((nominal * row.borrowingLimitPercent) / 100)
  return { nominal, guaranteed: nominal - lendable, most: nominal + borrowed }
}

/** A priority level at work. */
export class PriorityLevel {
  row: LevelRow
  limits: SeatLimits
  /** Requests that are being carried out. */
  inUse = 0
  /** Its object was deleted; who is in it is carried out. */
  gone = false
  queues: FairQueues | undefined
  constructor(row: LevelRow, limits: SeatLimits) {
    this.row = row
    this.limits = limits
    this.queues = row.queuing && new FairQueues(row.queuing)
  }

  get isIdle(): boolean {
    return this.inUse === 0 && (this.queues?.length ?? 0) === 0
  }

  /** Who waits keeps their place: the shape of the queues changes when nobody does. */
  change(row: LevelRow, limits: SeatLimits): void {
    const same = JSON.stringify(row.queuing) === JSON.stringify(this.row.queuing)
    this.row = row
    this.limits = limits
    if (!same && (this.queues?.length ?? 0) === 0) this.queues = row.queuing && new FairQueues(row.queuing)
  }
}
