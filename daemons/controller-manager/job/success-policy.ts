import type { SuccessPolicy } from 'kubernetes-types/batch/v1.js'
import { countIndexes, countShared, parseIndexList, type IndexList } from './index-list.ts'

/** Says which rule is met; undefined: none. */
export const matchSuccessPolicy = (
  policy: SuccessPolicy | undefined,
  completions: number,
  succeeded: IndexList,
): string | undefined => {
  if (succeeded.length === 0) return undefined
  const met = (policy?.rules ?? []).findIndex(({ succeededCount, succeededIndexes }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && countIndexes(succeeded) >= succeededCount
    const wanted = parseIndexList(succeededIndexes, completions)
    return countShared(wanted, succeeded) >= (succeededCount ?? countIndexes(wanted))
  })
  return met === -1 ? undefined : `Matched rules at index ${met}`
}
