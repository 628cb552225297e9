import { CelError } from './cel-error.ts'
import type { CelValue } from './value.ts'
import { CelStruct, isList } from './value.ts'

/** Of one evaluation of one expression. (Upstream: celconfig.PerCallLimit.) */
export const perCallLimit = 1_000_000
/** Of all expressions of one policy or of one custom resource in one request. (RuntimeCELCostBudget.) */
export const requestBudget = 10_000_000
/** Of all match conditions of one webhook or policy. (RuntimeCELCostBudgetMatchConditions.) */
export const matchConditionsBudget = 2_500_000

/** Looking at a text or list costs a tenth for each character. */
const traversal = 0.1

/** What is left for a request; every evaluation takes its cost from it. */
export class CelBudget {
  remaining: number
  constructor(limit: number = requestBudget) {
    this.remaining = limit
  }
}

/** Adds up the cost of one evaluation and stops it at its limit. Costs are upstream's (cel-go's CostTracker). */
export class CostMeter {
  cost = 0
  private readonly limit: number
  constructor(limit: number) {
    this.limit = limit
  }

  /** Throws CelError `cost` when the limit is passed. */
  charge(cost: number): void {
    this.cost += cost
    if (this.cost > this.limit) throw new CelError('cost', 'operation cancelled: actual cost limit exceeded')
  }
}

export const sizeOf = (value: CelValue | undefined): number => {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length
  if (value === undefined || value === null || typeof value !== 'object') return 1
  if (isList(value)) return value.length
  return value instanceof CelStruct ? value.size : 1
}

const traverse = (...values: (CelValue | undefined)[]): number =>
  Math.ceil(values.reduce<number>((sum, value) => sum + sizeOf(value), 0) * traversal)

/** What a call costs by its arguments; a call that is not in the table costs 1. */
export type CallCost = (args: readonly CelValue[], result: CelValue) => number

/** Reading the first argument once. */
export const readsFirst: CallCost = args => traverse(args[0])
export const readsSecond: CallCost = args => traverse(args[1])
export const readsBoth: CallCost = args => Math.ceil(Math.min(sizeOf(args[0]), sizeOf(args[1])) * traversal)
export const joinsBoth: CallCost = args => (isList(args[0] ?? null) ? 1 : traverse(args[0], args[1]))
export const walksSecond: CallCost = args => sizeOf(args[1])
export const walksFirst: CallCost = args => sizeOf(args[0])
/** A text searched for another. */
export const searches: CallCost = args => traverse(args[0]) * traverse(args[1])
/** A regular expression run over a text. */
export const matchesText: CallCost = args =>
  Math.ceil((1 + sizeOf(args[0])) * traversal) * Math.max(1, Math.ceil(sizeOf(args[1]) * 0.25))
/** Every item of one list compared with every item of another. */
export const crosses: CallCost = args => sizeOf(args[0]) * sizeOf(args[1])
/** A list whose texts are read as well. */
export const readsItems: CallCost = args => {
  const list = args[0] ?? null
  return isList(list)
    ? Math.ceil(list.reduce<number>((sum, item) => sum + Math.max(1, sizeOf(item) * traversal), 0))
    : 1
}
/** The result is written out. */
export const writesResult: CallCost = (args, result) => traverse(args[0]) + traverse(result)
