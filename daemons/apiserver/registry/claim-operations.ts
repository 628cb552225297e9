import type { UnknownObject } from '../../../kube/object.ts'
import { isHeldBy } from '../allocation/service-claims.ts'
import type { Kind } from '../kinds/kind.ts'
import type { StoreOperation } from '../store/store.ts'
import type { Registry } from './registry.ts'

const none: readonly StoreOperation[] = []

/**
 * What a write of an object does to the records of the numbers it holds, to be done in the same transaction: those it
 * takes must not be there yet, those it no longer holds go, unless they are another's. Undefined: the object is not
 * there before, or not after.
 */
export const claimOperations = (
  registry: Registry,
  kind: Kind,
  { before, after }: { before?: UnknownObject | undefined; after?: UnknownObject | undefined },
): readonly StoreOperation[] => {
  if (kind.claims === undefined) return none
  const held = before === undefined ? [] : kind.claims(before)
  const wanted = after === undefined ? [] : kind.claims(after)
  const heldKeys = new Set(held.map(({ key }) => key))
  const wantedKeys = new Set(wanted.map(({ key }) => key))
  const operations: StoreOperation[] = []
  for (const { key, record } of wanted)
    if (!heldKeys.has(key)) operations.push({ kind: 'put', key, object: record(registry.now()), expected: 0 })
  for (const { key } of held) {
    if (wantedKeys.has(key)) continue
    const entry = registry.store.get(key)
    if (entry !== undefined && before !== undefined && isHeldBy(entry.object, before))
      operations.push({ kind: 'delete', key, expected: entry.revision })
  }
  return operations
}
