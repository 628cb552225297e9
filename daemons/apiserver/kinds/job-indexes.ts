/** `1,3-5`: the numbers of indexes that have been done, in increasing order. */
type Interval = readonly [first: number, last: number]

const parseInterval = (text: string, completions: number): Interval | string => {
  const limits = text.split('-')
  if (limits.length > 2)
    return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`
  const numbers: number[] = []
  for (const limit of limits) {
    if (!/^[+-]?\d{1,15}$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`
    const index = Number(limit)
    if (index >= completions) return `too large index: ${JSON.stringify(limit)}`
    numbers.push(index)
  }
  const [first = 0, last = first] = numbers
  if (limits.length > 1 && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`
  return [first, last]
}

/** The intervals, or what is wrong with them. */
export const parseIndexes = (text: string, completions: number): Interval[] | string => {
  const intervals: Interval[] = []
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = parseInterval(part, completions)
    if (typeof interval === 'string') return interval
    const previous = intervals.at(-1)?.[1]
    if (previous !== undefined && previous >= interval[0])
      return `non-increasing order, previous: ${previous}, current: ${interval[0]}`
    intervals.push(interval)
  }
  return intervals
}

export const countIndexes = (text: string, completions: number): { total: number; error: string | undefined } => {
  const intervals = parseIndexes(text, completions)
  if (typeof intervals === 'string') return { total: 0, error: intervals }
  return { total: intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0), error: undefined }
}

/** The first index in both lists, where both can be read. */
export const overlappingIndex = (a: string, b: string, completions: number): number | undefined => {
  const [left, right] = [parseIndexes(a, completions), parseIndexes(b, completions)]
  if (typeof left === 'string' || typeof right === 'string') return undefined
  for (const [first, last] of left)
    for (const [start, end] of right) if (first <= end && start <= last) return Math.max(first, start)
  return undefined
}
