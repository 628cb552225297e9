/** The middle value, or the mean of the two in the middle. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

/** `1.20 to 1.45`: shows how noisy the machine was. */
export const spread = (values: readonly number[], divisor = 1): string => {
  const digits = divisor === 1 ? 0 : 2
  return `${(Math.min(...values) / divisor).toFixed(digits)} to ${(Math.max(...values) / divisor).toFixed(digits)}`
}
