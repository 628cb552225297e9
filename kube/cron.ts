import { SkiffError } from './errors.ts'

/** When something is to happen: the minutes of a cron line, or a steady interval. */
export type CronSchedule =
  | { kind: 'fields'; minute: Field; hour: Field; day: Field; month: Field; weekday: Field }
  | { kind: 'every'; intervalMs: number }

interface Field {
  values: ReadonlySet<number>
  /** Written as `*` (or `?`): of day and weekday, the other one alone decides then. */
  any: boolean
}

interface Bounds {
  min: number
  max: number
  names?: readonly string[]
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const minuteBounds: Bounds = { min: 0, max: 59 }
const hourBounds: Bounds = { min: 0, max: 23 }
const dayBounds: Bounds = { min: 1, max: 31 }
const monthBounds: Bounds = { min: 1, max: 12, names: months }
const weekdayBounds: Bounds = { min: 0, max: 6, names: weekdays }

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

const wrong = (message: string): SkiffError =>
  new SkiffError('INVALID_INPUT', message, { remedy: 'write five fields: minute hour day month weekday' })

const parseNumber = (text: string, expression: string): number => {
  if (/^-\d+$/.test(text)) throw wrong(`negative number (${text}) not allowed: ${expression}`)
  if (/^\+?\d{1,9}$/.test(text)) return Number(text)
  throw wrong(`failed to parse int from ${expression}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
}

const parseValue = (text: string, { names, min }: Bounds): number => {
  const named = names?.indexOf(text.toLowerCase()) ?? -1
  return named >= 0 ? named + min : parseNumber(text, text)
}

/** `5`, `1-5`, `*`, each with `/step`. */
const parseRange = (text: string, bounds: Bounds): Field => {
  const [range = '', stepText, ...more] = text.split('/')
  if (more.length > 0) throw wrong(`too many slashes: ${text}`)
  const [low = '', high, ...rest] = range.split('-')
  const any = low === '*' || low === '?'
  if (rest.length > 0 && !any) throw wrong(`too many hyphens: ${text}`)
  const start = any ? bounds.min : parseValue(low, bounds)
  const single = high === undefined
  const step = stepText === undefined ? 1 : parseNumber(stepText, stepText)
  // `N/step` means from N on.
  const toMax = any || (single && stepText !== undefined)
  const end = toMax ? bounds.max : single ? start : parseValue(high, bounds)
  if (start < bounds.min) throw wrong(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`)
  if (end > bounds.max) throw wrong(`end of range (${end}) above maximum (${bounds.max}): ${text}`)
  if (start > end) throw wrong(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (step === 0) throw wrong(`step of range should be a positive number: ${text}`)
  const values = new Set<number>()
  for (let value = start; value <= end; value += step) values.add(value)
  return { values, any: any && step === 1 }
}

const parseField = (text: string, bounds: Bounds): Field => {
  const ranges = text.split(',').filter(part => part !== '').map(part => parseRange(part, bounds)) // prettier-ignore
  return { values: new Set(ranges.flatMap(range => [...range.values])), any: ranges.some(range => range.any) }
}

const units: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
}

/** A Go duration: `1h30m`. */
const parseDuration = (text: string): number | undefined => {
  if (!/^(\d+(\.\d*)?(h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined
  let ms = 0
  for (const [, amount = '', unit = ''] of text.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g))
    ms += Number(amount) * (units[unit] ?? 0)
  return ms
}

const parseDescriptor = (text: string): CronSchedule => {
  const line = Object.hasOwn(descriptors, text) ? descriptors[text] : undefined
  if (line !== undefined) return parseCron(line)
  const every = /^@every (.*)$/.exec(text)?.[1]
  if (every === undefined) throw wrong(`unrecognized descriptor: ${text}`)
  const ms = parseDuration(every)
  if (ms === undefined) throw wrong(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(every)}`)
  return { kind: 'every', intervalMs: Math.max(1000, Math.floor(ms / 1000) * 1000) }
}

/**
 * A line of five fields or a descriptor, as upstream's CronJobs take them (robfig/cron's standard parser, whose words
 * the errors have). A zone in front (`TZ=…`) is read past: CronJobs have a field for it. Throws SkiffError INVALID_INPUT.
 */
export const parseCron = (text: string): CronSchedule => {
  if (text === '') throw wrong('empty spec string')
  const line = /^(?:CRON_)?TZ=\S* *(.*)$/.exec(text)?.[1] ?? text
  if (line.startsWith('@')) return parseDescriptor(line)
  const fields = line.split(/\s+/).filter(field => field !== '')
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields
  if (fields.length !== 5) throw wrong(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  return {
    kind: 'fields',
    minute: parseField(minute, minuteBounds),
    hour: parseField(hour, hourBounds),
    day: parseField(day, dayBounds),
    month: parseField(month, monthBounds),
    weekday: parseField(weekday, weekdayBounds),
  }
}

/** Whether the machine knows the zone: `Europe/Berlin`, `Etc/UTC`. */
export const isTimeZone = (name: string): boolean => {
  // Offsets, which the runtime takes too, are no names.
  if (!/^[A-Z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

interface WallTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
}

const zones = new Map<string, Intl.DateTimeFormat>()

const formatOf = (timeZone: string): Intl.DateTimeFormat => {
  let format = zones.get(timeZone)
  if (format === undefined) {
    const parts = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
    format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...parts })
    zones.set(timeZone, format)
  }
  return format
}

const wallTime = (ms: number, timeZone: string): WallTime => {
  if (timeZone === 'UTC') {
    const date = new Date(ms)
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
    }
  }
  const wall: WallTime = { year: 0, month: 0, day: 0, hour: 0, minute: 0 }
  for (const { type, value } of formatOf(timeZone).formatToParts(ms))
    if (type in wall) wall[type as keyof WallTime] = Number(value)
  return wall
}

const asUtc = ({ year, month, day, hour, minute }: WallTime): number => Date.UTC(year, month - 1, day, hour, minute)

/** The instant at which the clocks of the zone show this; where they skip it, the one the skipped hour later. */
const instantOf = (wall: WallTime, timeZone: string): number => {
  const target = asUtc(wall)
  let ms = target
  for (let round = 0; round < 3; round++) ms += target - asUtc(wallTime(ms, timeZone))
  return ms
}

const dayMatches = ({ day, weekday }: CronSchedule & { kind: 'fields' }, wall: WallTime): boolean => {
  const byDay = day.values.has(wall.day)
  const byWeekday = weekday.values.has(new Date(Date.UTC(wall.year, wall.month - 1, wall.day)).getUTCDay())
  return day.any || weekday.any ? byDay && byWeekday : byDay || byWeekday
}

const midnight = { hour: 0, minute: 0 }
const minuteMs = 60_000
const fiveYearsMs = 5 * 366 * 86_400_000

/** Where to go on looking, or undefined where the minute is one of the schedule's. */
const nextCandidate = (
  schedule: CronSchedule & { kind: 'fields' },
  wall: WallTime,
  { ms, timeZone }: { ms: number; timeZone: string },
): number | undefined => {
  if (!schedule.month.values.has(wall.month)) {
    const month = wall.month === 12 ? { year: wall.year + 1, month: 1 } : { year: wall.year, month: wall.month + 1 }
    return instantOf({ ...month, day: 1, ...midnight }, timeZone)
  }
  if (!dayMatches(schedule, wall)) {
    const date = new Date(Date.UTC(wall.year, wall.month - 1, wall.day + 1))
    const next = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
    return instantOf({ ...next, ...midnight }, timeZone)
  }
  if (!schedule.hour.values.has(wall.hour)) return ms + (60 - wall.minute) * minuteMs
  return schedule.minute.values.has(wall.minute) ? undefined : ms + minuteMs
}

/**
 * The first time after `afterMs`; undefined: never (30 February). Hours that clocks skip do not happen, those they
 * show twice happen twice.
 */
export const nextCronTime = (schedule: CronSchedule, afterMs: number, timeZone = 'UTC'): number | undefined => {
  if (schedule.kind === 'every') return Math.floor(afterMs / 1000) * 1000 + schedule.intervalMs
  let ms = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs
  const end = ms + fiveYearsMs
  while (ms < end) {
    const candidate = nextCandidate(schedule, wallTime(ms, timeZone), { ms, timeZone })
    if (candidate === undefined) return ms
    ms = candidate > ms ? candidate : ms + minuteMs
  }
  return undefined
}
