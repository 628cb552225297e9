/** Completion indexes as runs: sorted, apart, first and last inclusive. A Job may have 100,000 of them. */
export type IndexList = readonly (readonly [first: number, last: number])[]

/** Any indexes, in any order, as a list. */
export const indexListOf = (indexes: Iterable<number>): IndexList => {
  const runs: [number, number][] = []
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run !== undefined && index <= run[1] + 1) run[1] = Math.max(run[1], index)
    else runs.push([index, index])
  }
  return runs
}

export const joinIndexes = (a: IndexList, b: IndexList): IndexList => {
  const runs: [number, number][] = []
  for (const [first, last] of [...a, ...b].sort((x, y) => x[0] - y[0])) {
    const run = runs.at(-1)
    if (run !== undefined && first <= run[1] + 1) run[1] = Math.max(run[1], last)
    else runs.push([first, last])
  }
  return runs
}

/** `0,2-4`, as it stands in a status; what is not below `completions` (which may have been lowered) is left out. */
export const parseIndexList = (text: string, completions: number): IndexList => {
  const runs = text.split(',').flatMap(part => {
    const [first = NaN, last = first] = part.split('-').map(number => (number === '' ? NaN : Number(number)))
    if (!Number.isInteger(first) || !Number.isInteger(last) || first >= completions) return []
    return [[first, Math.min(last, completions - 1)] as const]
  })
  return joinIndexes(runs, [])
}

/** Runs of three and more are shortened: `0,1,4-7`. */
export const formatIndexList = (list: IndexList): string =>
  list
    .map(([first, last]) => (first === last ? `${first}` : `${first}${last - first === 1 ? ',' : '-'}${last}`))
    .join(',')

export const countIndexes = (list: IndexList): number => list.reduce((sum, [first, last]) => sum + last - first + 1, 0)

export const hasIndex = (list: IndexList, index: number): boolean => {
  let [low, high] = [0, list.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const [first, last] = list[middle] ?? [0, 0]
    if (index < first) high = middle - 1
    else if (index > last) low = middle + 1
    else return true
  }
  return false
}

/** How many indexes are in both. */
export const countShared = (a: IndexList, b: IndexList): number => {
  let count = 0
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i] ?? [0, 0], b[j] ?? [0, 0]]
    count += Math.max(0, Math.min(x[1], y[1]) - Math.max(x[0], y[0]) + 1)
    if (x[1] < y[1]) i++
    else j++
  }
  return count
}

/** The first `count` indexes below `completions` that are not in the list. */
export const firstMissing = (list: IndexList, count: number, completions: number): number[] => {
  const missing: number[] = []
  let candidate = 0
  for (const [first, last] of [...list, [completions, completions] as const]) {
    for (; candidate < Math.min(first, completions) && missing.length < count; candidate++) missing.push(candidate)
    candidate = last + 1
  }
  return missing
}
