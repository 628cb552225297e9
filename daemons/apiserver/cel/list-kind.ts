import type { ListKind } from './cel-type.ts'
import type { CelValue } from './value.ts'

/** Kept beside the lists, so that a list of a custom resource is an array like every other. */
const kinds = new WeakMap<readonly CelValue[], ListKind>()

export const rememberListKind = (list: readonly CelValue[], kind: ListKind | undefined): readonly CelValue[] => {
  if (kind !== undefined && kind.kind !== 'atomic') kinds.set(list, kind)
  return list
}

/** How a list is compared and joined; undefined: in order, item by item. */
export const listKindOf = (list: readonly CelValue[]): ListKind | undefined => kinds.get(list)
