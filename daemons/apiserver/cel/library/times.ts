import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import type { CelDuration, CelTimestamp } from '../value.ts'

interface WallClock {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

const fixedOffset = /^([+-]?)(\d\d):(\d\d)$/

/** Milliseconds to add to UTC; a zone is a name of the IANA database or a fixed offset (`-07:00`). */
const localDate = (instant: CelTimestamp, zone: string): Date => {
  const ms = Number(instant.nanos / 1_000_000n)
  const fixed = fixedOffset.exec(zone)
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3])
    return new Date(ms + (fixed[1] === '-' ? -minutes : minutes) * 60_000)
  }
  if (zone === 'UTC' || zone === '') return new Date(ms)
  const clock = wallClock(new Date(ms), zone)
  return new Date(Date.UTC(clock.year, clock.month - 1, clock.day, clock.hour, clock.minute, clock.second))
}

const wallClock = (date: Date, zone: string): WallClock => {
  const clock: WallClock = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 }
  let format: Intl.DateTimeFormat
  try {
    const numeric = 'numeric'
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    })
  } catch {
    return fail(`unknown time zone ${zone}`)
  }
  for (const { type, value } of format.formatToParts(date))
    if (Object.hasOwn(clock, type)) Object.assign(clock, { [type]: Number(value) })
  return clock
}

const dayOfYear = (date: Date): number =>
  Math.floor(
    (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) /
      86_400_000,
  )

const parts: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: date => date.getUTCFullYear(),
  getMonth: date => date.getUTCMonth(),
  getDate: date => date.getUTCDate(),
  getDayOfMonth: date => date.getUTCDate() - 1,
  getDayOfWeek: date => date.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: date => date.getUTCHours(),
  getMinutes: date => date.getUTCMinutes(),
  getSeconds: date => date.getUTCSeconds(),
}

const milliseconds = (nanos: bigint): bigint => (((nanos / 1_000_000n) % 1000n) + 1000n) % 1000n

/** What can be read from instants (in UTC, or in a zone that is named) and spans. */
export const addTimes = (table: FunctionTableBuilder): void => {
  for (const [name, read] of Object.entries(parts))
    table
      .add(`[timestamp].${name}(): int`, (at: CelTimestamp) => BigInt(read(localDate(at, 'UTC'))))
      .add(`[timestamp].${name}(string): int`, (at: CelTimestamp, zone: string) => BigInt(read(localDate(at, zone))))
  table
    .add('[timestamp].getMilliseconds(): int', (at: CelTimestamp) => milliseconds(at.nanos))
    .add('[timestamp].getMilliseconds(string): int', (at: CelTimestamp) => milliseconds(at.nanos))
    .add('[duration].getHours(): int', (span: CelDuration) => span.nanos / 3_600_000_000_000n)
    .add('[duration].getMinutes(): int', (span: CelDuration) => span.nanos / 60_000_000_000n)
    .add('[duration].getSeconds(): int', (span: CelDuration) => span.nanos / 1_000_000_000n)
    .add('[duration].getMilliseconds(): int', (span: CelDuration) => (span.nanos / 1_000_000n) % 1000n)
}
