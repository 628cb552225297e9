import { RE2JS } from 're2js'
import { matchesText } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'

const cache = new Map<string, RE2JS>()
const cacheLimit = 256

/** RE2's syntax and its linear time: no pattern can run away. */
const compile = (pattern: string): RE2JS => {
  const known = cache.get(pattern)
  if (known !== undefined) return known
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
  if (cache.size >= cacheLimit) cache.clear()
  cache.set(pattern, compiled)
  return compiled
}

/** Whether RE2 can read it. */
export const isPattern = (pattern: string): boolean => {
  try {
    compile(pattern)
    return true
  } catch {
    return false
  }
}

const find = (text: string, pattern: string): string => {
  const matcher = compile(pattern).matcher(text)
  return matcher.find() ? (matcher.group() ?? '') : ''
}

const findAll = (text: string, pattern: string, limit = -1n): string[] => {
  const found: string[] = []
  const matcher = compile(pattern).matcher(text)
  while ((limit < 0n || BigInt(found.length) < limit) && matcher.find()) found.push(matcher.group() ?? '')
  return found
}

/** `matches`, and Kubernetes' regex library. */
export const addRegex = (table: FunctionTableBuilder): void => {
  const matches = (text: string, pattern: string): boolean => compile(pattern).matcher(text).find()
  table
    .add('matches(string, string): bool', matches, matchesText)
    .add('[string].matches(string): bool', matches, matchesText)
    .add('[string].find(string): string', find, matchesText)
    .add(
      '[string].findAll(string): list<string>',
      (text: string, pattern: string) => findAll(text, pattern),
      matchesText,
    )
    .add('[string].findAll(string, int): list<string>', findAll, matchesText)
}
