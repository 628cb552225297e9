import type { UnknownObject, WatchEvent } from '../object.ts'

/** One write, as the history keeps it. */
export interface FakeChange {
  version: number
  table: string
  object: UnknownObject | undefined
  old: UnknownObject | undefined
}

/** What a watch that wants such objects is told of a change; undefined: nothing. */
export const eventOf = (
  { version, object, old }: FakeChange,
  wanted: (object: UnknownObject) => boolean,
): WatchEvent<UnknownObject> | undefined => {
  const was = old !== undefined && wanted(old)
  const is = object !== undefined && wanted(object)
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object }
  if (!was) return undefined
  return { type: 'DELETED', object: { ...old, metadata: { ...old.metadata, resourceVersion: String(version) } } }
}
