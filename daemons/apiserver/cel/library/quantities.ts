import type { Quantity } from '../../../../kube/quantity.ts'
import { formatQuantity, parseQuantity } from '../../../../kube/quantity.ts'
import { readsFirst } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import { CelOpaque } from '../value.ts'

const type = 'kubernetes.Quantity'
const perUnit = 1_000_000_000n

class CelQuantity extends CelOpaque {
  readonly typeName = type
  readonly quantity: Quantity
  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }

  get nano(): bigint {
    return this.quantity.nano
  }

  /** Equal by amount, however they are written. */
  get key(): string {
    return this.nano.toString()
  }

  override toString(): string {
    return formatQuantity(this.quantity)
  }
}

const parse = (text: string): CelQuantity => {
  try {
    return new CelQuantity(parseQuantity(text))
  } catch {
    return fail("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
  }
}

const isQuantity = (text: string): boolean => {
  try {
    parseQuantity(text)
    return true
  } catch {
    return false
  }
}

const isInteger = ({ nano }: CelQuantity): boolean =>
  nano % perUnit === 0n && nano / perUnit < 2n ** 63n && nano / perUnit >= -(2n ** 63n)

const order = (a: bigint, b: bigint): bigint => (a < b ? -1n : a > b ? 1n : 0n)

const plus = (a: CelQuantity, nano: bigint): CelQuantity => new CelQuantity({ ...a.quantity, nano: a.nano + nano })

/** Kubernetes' quantity library. */
export const addQuantities = (table: FunctionTableBuilder): void => {
  table
    .add(`quantity(string): ${type}`, parse, readsFirst)
    .add('isQuantity(string): bool', isQuantity, readsFirst)
    .add(`[${type}].sign(): int`, (a: CelQuantity) => order(a.nano, 0n))
    .add(`[${type}].isInteger(): bool`, isInteger)
    .add(`[${type}].asInteger(): int`, (a: CelQuantity) =>
      isInteger(a) ? a.nano / perUnit : fail('cannot convert value to integer'),
    )
    .add(`[${type}].asApproximateFloat(): double`, (a: CelQuantity) => Number(a.nano) / Number(perUnit))
    .add(`[${type}].isLessThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => a.nano < b.nano)
    .add(`[${type}].isGreaterThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => a.nano > b.nano)
    .add(`[${type}].compareTo(${type}): int`, (a: CelQuantity, b: CelQuantity) => order(a.nano, b.nano))
    .add(`[${type}].add(${type}): ${type}`, (a: CelQuantity, b: CelQuantity) => plus(a, b.nano))
    .add(`[${type}].add(int): ${type}`, (a: CelQuantity, b: bigint) => plus(a, b * perUnit))
    .add(`[${type}].sub(${type}): ${type}`, (a: CelQuantity, b: CelQuantity) => plus(a, -b.nano))
    .add(`[${type}].sub(int): ${type}`, (a: CelQuantity, b: bigint) => plus(a, -b * perUnit))
}
