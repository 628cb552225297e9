const pattern = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/

interface Parsed {
  /** GA before beta before alpha. */
  level: number
  major: number
  minor: number
}

const levels: Readonly<Record<string, number>> = { alpha: 0, beta: 1 }

const parse = (version: string): Parsed | undefined => {
  const match = pattern.exec(version)
  if (match === null) return undefined
  const [, major, level, minor] = match
  return { level: level === undefined ? 2 : (levels[level] ?? 0), major: Number(major), minor: Number(minor ?? 0) }
}

/**
 * The order of an API's versions, best first: v10, v2, v1, v11beta2, v10beta3, v1beta1, v12alpha1, then whatever else by
 * name. (Upstream: version.CompareKubeAwareVersionStrings.) Negative where `a` comes first.
 */
export const compareVersions = (a: string, b: string): number => {
  const left = parse(a)
  const right = parse(b)
  if (left === undefined && right === undefined) return a < b ? -1 : a > b ? 1 : 0
  if (left === undefined) return 1
  if (right === undefined) return -1
  return right.level - left.level || right.major - left.major || right.minor - left.minor
}
