import { CelDuration, CelTimestamp } from './value.ts'

const perSecond = 1_000_000_000n
const stamp = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/

/** RFC 3339 (a date alone counts as its midnight in UTC); undefined where it is none. */
export const parseTimestamp = (text: string): CelTimestamp | undefined => {
  const parts = stamp.exec(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)
  if (parts === null) return undefined
  const ms = Date.parse(`${parts[1]}T${parts[2]}${parts[4]?.toUpperCase()}`)
  if (Number.isNaN(ms)) return undefined
  return new CelTimestamp(BigInt(ms) * 1_000_000n + BigInt((parts[3] ?? '').padEnd(9, '0')))
}

/** RFC 3339 in UTC, with as many places as there are. */
export const formatTimestamp = ({ nanos }: CelTimestamp): string => {
  const fraction = ((nanos % perSecond) + perSecond) % perSecond
  const text = new Date(Number((nanos - fraction) / 1_000_000n)).toISOString().slice(0, 19)
  const places = fraction === 0n ? '' : `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}`
  return `${text}${places}Z`
}

const units: Readonly<Record<string, bigint>> = {
  h: 3600n * perSecond,
  m: 60n * perSecond,
  s: perSecond,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
}

/** Go's spelling of durations: `1h30m`, `-1.5s`; undefined where it is none. */
export const parseDuration = (text: string): CelDuration | undefined => {
  if (/^[+-]?0$/.test(text)) return new CelDuration(0n)
  if (!/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined
  let nanos = 0n
  for (const [, whole, fraction, unit] of text.matchAll(/(\d*)\.?(\d*)(h|ms|m|s|us|µs|ns)/g)) {
    const scale = units[unit ?? ''] ?? 0n
    nanos += BigInt(whole || '0') * scale
    if (fraction) nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
  }
  return new CelDuration(text.startsWith('-') ? -nanos : nanos)
}

/** Seconds with their fraction, as `string(duration)` gives them: `5400s`, `1.5s`. */
export const formatDuration = ({ nanos }: CelDuration): string => {
  const size = nanos < 0n ? -nanos : nanos
  const fraction = (size % perSecond).toString().padStart(9, '0').replace(/0+$/, '')
  return `${nanos < 0n ? '-' : ''}${size / perSecond}${fraction === '' ? '' : `.${fraction}`}s`
}
