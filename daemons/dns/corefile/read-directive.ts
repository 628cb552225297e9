import { closestZone } from '../message/name.ts'
import { corefileError, notImplementedAt, type Directive } from './corefile.ts'
import { parseZoneKey } from './zone-key.ts'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Go's durations: `500ms`, `5s`, `1m30s`, `1h`; a bare number is seconds where `bareSeconds` says so. */
export const durationMs = (at: Directive, text: string | undefined, bareSeconds = false): number => {
  if (text !== undefined && bareSeconds && /^\d+$/.test(text)) return Number(text) * 1000
  if (text === '0') return 0
  if (text === undefined || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text))
    throw corefileError(at, `${JSON.stringify(text ?? '')} is not a duration such as 5s`)
  let total = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(number) * (units[unit ?? ''] ?? 0)
  return total
}

/** A whole number within bounds. */
export const wholeNumber = (
  at: Directive,
  text: string | undefined,
  [low, high]: readonly [number, number],
): number => {
  const value = text !== undefined && /^\d+$/.test(text) ? Number(text) : NaN
  if (!(value >= low && value <= high))
    throw corefileError(at, `${JSON.stringify(text ?? '')} is not a whole number from ${low} to ${high}`)
  return value
}

export const argCount = (at: Directive, low: number, high = low): void => {
  if (at.args.length >= low && at.args.length <= high) return
  const wanted = low === high ? `${low}` : `${low} to ${high}`
  throw corefileError(at, `takes ${wanted} arguments, not ${at.args.length}`)
}

/** Zones (or CIDRs) named by words, or the fallback where there is none. */
export const zonesFrom = (at: Directive, words: readonly string[], fallback: readonly string[]): string[] =>
  words.length === 0 ? [...fallback] : words.flatMap(word => parseZoneKey(word, 0, at).map(({ zone }) => zone))

/** Refuses a property that the plugin has upstream, or does not have at all. */
export const refuseProperty = (plugin: string, property: Directive, known: readonly string[]): never => {
  if (known.includes(property.name))
    throw notImplementedAt(property, `plugin ${plugin}: ${property.name} is not implemented`)
  throw corefileError(property, `unknown property of ${plugin}`)
}

/** `fallthrough [ZONES...]`: whether a question for a name that is not there goes on to the next plugin. */
export type Fallthrough = (name: string) => boolean

export const neverFallThrough: Fallthrough = () => false

export const readFallthrough = (property: Directive): Fallthrough => {
  const zones = zonesFrom(property, property.args, ['.'])
  return name => closestZone(zones, name) !== undefined
}

/** `:8080`, `localhost:8080`, `10.0.0.1:8080`. */
export const readAddress = (at: Directive, fallback: string): string => {
  argCount(at, 0, 1)
  const text = at.args[0] ?? fallback
  const match = /^(.*):(\d+)$/.exec(text)
  if (match === null || Number(match[2]) > 65_535) throw corefileError(at, `${JSON.stringify(text)} is not host:port`)
  return text
}
