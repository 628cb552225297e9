import { SkiffError } from './errors.ts'

/** An exact amount, in billionths: upstream keeps no more than nine places, and rounds what is finer up. */
export interface Quantity {
  nano: bigint
  format: 'DecimalSI' | 'BinarySI' | 'DecimalExponent'
}

const nanosPerUnit = 1_000_000_000n
const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
}
const binaryShifts: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }

/** Rounds away from zero, as upstream does with what it cannot hold. */
const divideUp = (value: bigint, by: bigint): bigint => {
  const whole = value / by
  if (value % by === 0n) return whole
  return value > 0n ? whole + 1n : whole - 1n
}

const scaled = (digits: bigint, exponent: number): bigint =>
  exponent >= 0 ? digits * 10n ** BigInt(exponent) : divideUp(digits, 10n ** BigInt(-exponent))

/** `100m`, `1.5Gi`, `2e3`. Throws SkiffError INVALID_INPUT. */
export const parseQuantity = (text: string): Quantity => {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,3}|[numkMGTPE]?)$/.exec(text)
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match ?? []
  if (match === null || whole + fraction === '')
    throw new SkiffError('INVALID_INPUT', `"${text}" is not a quantity`, {
      remedy: 'write a number with one of the suffixes n u m k M G T P E Ki Mi Gi Ti Pi Ei, such as 100m or 1.5Gi',
    })
  const digits = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`)
  const shift = binaryShifts[suffix]
  if (shift !== undefined)
    return { nano: scaled((digits * nanosPerUnit) << shift, -fraction.length), format: 'BinarySI' }
  const exponent = decimalExponents[suffix]
  if (exponent !== undefined) return { nano: scaled(digits, 9 + exponent - fraction.length), format: 'DecimalSI' }
  return { nano: scaled(digits, 9 + Number(suffix.slice(1)) - fraction.length), format: 'DecimalExponent' }
}

/** Thousandths, rounded up: millicores of a cpu quantity. */
export const quantityToMilli = (text: string): number => Number(divideUp(parseQuantity(text).nano, 1_000_000n))

/** Whole units, rounded up: bytes of a memory quantity. */
export const quantityToBytes = (text: string): number => Number(divideUp(parseQuantity(text).nano, nanosPerUnit))

/** Upstream's canonical text: no fraction, the largest suffix that loses nothing; sizes that are no whole unit are written decimal. */
export const formatQuantity = ({ nano, format }: Quantity): string => {
  if (nano === 0n) return '0'
  const units = nano / nanosPerUnit
  const magnitude = units < 0n ? -units : units
  if (format === 'BinarySI' && nano % nanosPerUnit === 0n && magnitude >= 1024n) {
    const best = Object.entries(binaryShifts).findLast(([, shift]) => units % (1n << shift) === 0n)
    return best === undefined ? String(units) : `${units >> best[1]}${best[0]}`
  }
  if (format === 'DecimalExponent') {
    let exponent = -9
    while (exponent < 18 && nano % 10n ** BigInt(exponent + 12) === 0n) exponent += 3
    return `${nano / 10n ** BigInt(exponent + 9)}${exponent === 0 ? '' : `e${exponent}`}`
  }
  const best = Object.entries(decimalExponents).findLast(([, exponent]) => nano % 10n ** BigInt(exponent + 9) === 0n)
  return best === undefined ? String(units) : `${nano / 10n ** BigInt(best[1] + 9)}${best[0]}`
}
