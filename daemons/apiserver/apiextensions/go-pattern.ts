import { createRequire } from 'node:module'

/** As much of re2js as is used here. */
interface Re2 {
  RE2JS: { compile(pattern: string): { matcher(text: string): { find(): boolean } } }
}

/** The engine is a megabyte of tables that a cluster without patterns never needs. */
const load = createRequire(import.meta.url)
let engine: Re2 | undefined

const compiled = new Map<string, (text: string) => boolean>()

/** More patterns than that are compiled again: a definition that was replaced leaves its own behind. */
const maxKept = 2_000

/** Plain enough to mean the same to Go and to JavaScript; with one repetition at most it cannot run away. */
const isPlain = (pattern: string): boolean =>
  /^\^?(?:[A-Za-z0-9_:/@,-]|\\\.|\[[A-Za-z0-9_:/@. -]+\][+*]?)*\$?$/.test(pattern) &&
  (pattern.match(/[+*]/g)?.length ?? 0) <= 1

/**
 * Whether a text holds a match of a regular expression of Go (RE2: linear time, no back references).
 * Throws Error with the engine's words for one that cannot be read.
 */
export const matcherOf = (pattern: string): ((text: string) => boolean) => {
  let matcher = compiled.get(pattern)
  if (matcher === undefined) {
    if (compiled.size >= maxKept) compiled.clear()
    matcher = makeMatcher(pattern)
    compiled.set(pattern, matcher)
  }
  return matcher
}

const makeMatcher = (pattern: string): ((text: string) => boolean) => {
  if (isPlain(pattern)) {
    const simple = new RegExp(pattern, 'u')
    return text => simple.test(text)
  }
  engine ??= load('re2js') as Re2
  const expression = engine.RE2JS.compile(pattern)
  return text => expression.matcher(text).find()
}
