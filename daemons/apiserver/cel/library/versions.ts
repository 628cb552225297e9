import { readsFirst } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import { CelOpaque } from '../value.ts'

const type = 'kubernetes.Semver'

type Release = readonly [major: bigint, minor: bigint, patch: bigint]

class CelSemver extends CelOpaque {
  readonly typeName = type
  readonly release: Release
  readonly pre: readonly string[]
  readonly key: string
  constructor(release: Release, pre: readonly string[]) {
    super()
    this.release = release
    this.pre = pre
    // Builds do not count.
    this.key = `${release.join('.')}-${pre.join('.')}`
  }
}

const number = '(0|[1-9]\\d*)'
const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const pattern = new RegExp(`^${number}\\.${number}\\.${number}(?:-(${identifiers}))?(?:\\+(${identifiers}))?$`)

/** Drops a leading v, adds what is left out of `1` and `1.2`, and drops leading zeros. */
const normalize = (text: string): string => {
  const [, core = '', rest = ''] = /^v?([0-9.]*)(.*)$/.exec(text) ?? []
  const parts = core.split('.').map(part => part.replace(/^0+(?=\d)/, ''))
  while (parts.length < 3) parts.push('0')
  return `${parts.join('.')}${rest}`
}

const read = (text: string): CelSemver | undefined => {
  const parts = pattern.exec(text)
  if (parts === null) return undefined
  const [, major = '0', minor = '0', patch = '0', pre] = parts
  const identifiersOfPre = pre === undefined ? [] : pre.split('.')
  if (identifiersOfPre.some(part => /^0\d+$/.test(part))) return undefined
  return new CelSemver([BigInt(major), BigInt(minor), BigInt(patch)], identifiersOfPre)
}

const parse = (text: string): CelSemver => read(text) ?? fail(`Invalid semantic version: ${JSON.stringify(text)}`)

/** Numbers come before words; fewer identifiers before more; no pre-release after all of them (semver.org, 11). */
const orderOfPre = (a: readonly string[], b: readonly string[]): number => {
  if (a.length === 0 || b.length === 0) return Number(a.length === 0) - Number(b.length === 0)
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [left = '', right = ''] = [a[at], b[at]]
    if (left === right) continue
    const numbers = [/^\d+$/.test(left), /^\d+$/.test(right)]
    if (numbers[0] && numbers[1]) return BigInt(left) < BigInt(right) ? -1 : 1
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1
    return left < right ? -1 : 1
  }
  return a.length - b.length
}

const compare = (a: CelSemver, b: CelSemver): number => {
  for (const at of [0, 1, 2] as const)
    if (a.release[at] !== b.release[at]) return a.release[at] < b.release[at] ? -1 : 1
  return Math.sign(orderOfPre(a.pre, b.pre))
}

/** Kubernetes' semver library. */
export const addVersions = (table: FunctionTableBuilder): void => {
  const normal = (text: string, wanted: boolean): string => (wanted ? normalize(text) : text)
  table
    .add(`semver(string): ${type}`, parse, readsFirst)
    .add(`semver(string, bool): ${type}`, (text: string, wanted: boolean) => parse(normal(text, wanted)), readsFirst)
    .add('isSemver(string): bool', (text: string) => read(text) !== undefined, readsFirst)
    .add(
      'isSemver(string, bool): bool',
      (text: string, wanted: boolean) => read(normal(text, wanted)) !== undefined,
      readsFirst,
    )
    .add(`[${type}].major(): int`, (a: CelSemver) => a.release[0])
    .add(`[${type}].minor(): int`, (a: CelSemver) => a.release[1])
    .add(`[${type}].patch(): int`, (a: CelSemver) => a.release[2])
    .add(`[${type}].isLessThan(${type}): bool`, (a: CelSemver, b: CelSemver) => compare(a, b) < 0)
    .add(`[${type}].isGreaterThan(${type}): bool`, (a: CelSemver, b: CelSemver) => compare(a, b) > 0)
    .add(`[${type}].compareTo(${type}): int`, (a: CelSemver, b: CelSemver) => BigInt(compare(a, b)))
}
