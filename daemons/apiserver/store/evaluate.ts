import { SkiffError } from '../../../kube/errors.ts'
import type { StoreEvent, StoreOperation } from './store.ts'
import { StoredEntry } from './stored-entry.ts'

export type Evaluated =
  | { kind: 'committed'; events: StoreEvent[] }
  | { kind: 'conflict'; index: number; current: StoredEntry | undefined }

/** What a transaction does to the state it finds; changes the objects of its puts only when all of it goes through. */
export const evaluate = (
  operations: readonly StoreOperation[],
  { read, revision, timeMs }: { read(key: string): StoredEntry | undefined; revision: number; timeMs: number },
): Evaluated => {
  for (const [index, { key, expected, kind }] of operations.entries()) {
    const current = read(key)
    if (expected !== undefined && expected !== (current?.revision ?? 0)) return { kind: 'conflict', index, current }
    if (kind === 'delete' && current === undefined) return { kind: 'conflict', index, current }
  }
  const events = operations.map((operation): StoreEvent => {
    const previous = read(operation.key)
    if (operation.kind === 'delete') {
      if (previous === undefined) throw new SkiffError('INTERNAL', `store: ${operation.key} is deleted twice`)
      return { type: 'delete', entry: previous.at(revision), previous, timeMs }
    }
    const { object } = operation
    object.metadata = { ...object.metadata, resourceVersion: String(revision) }
    return { type: 'put', entry: new StoredEntry(operation.key, revision, { object }), previous, timeMs }
  })
  return { kind: 'committed', events }
}
