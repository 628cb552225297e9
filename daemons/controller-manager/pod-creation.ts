import { hasReason } from '../../kube/status.ts'

/** Nothing will ever come of a pod there, and the namespace controller takes its maker away. */
export const isTerminatingNamespace = (error: unknown): boolean =>
  hasReason(error, 'Forbidden') &&
  (error.status.details?.causes ?? []).some(cause => cause.reason === 'NamespaceTerminating')

/** Batches of 1, 2, 4, …: a quota that refuses all pods is met by one request, not by 500. */
export const slowStartBatches = (count: number): number[] => {
  const batches: number[] = []
  for (let left = count, size = 1; left > 0; left -= size, size *= 2) batches.push(Math.min(size, left))
  return batches
}

/** Makes all, batch by batch, until one fails; says how many were made, and the first failure. */
export const slowStart = async <T>(
  items: readonly T[],
  make: (item: T) => Promise<void>,
): Promise<{ done: number; error: unknown }> => {
  let next = 0
  let done = 0
  for (const size of slowStartBatches(items.length)) {
    const results = await Promise.allSettled(items.slice(next, next + size).map(make))
    next += size
    done += results.filter(result => result.status === 'fulfilled').length
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) return { done, error: failed.reason }
  }
  return { done, error: undefined }
}
