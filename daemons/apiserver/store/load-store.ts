import { SkiffError } from '../../../kube/errors.ts'
import type { HistoryBounds } from './history-bounds.ts'
import { type LmdbFile, readNumber, storeFile, withLmdbFile } from './lmdb-file.ts'
import { decodeStored, keepEntry } from './lmdb-records.ts'
import type { LogGroup, LoggedEvent } from './log/log-group.ts'
import { type LogState, removeLeftovers, replayLog } from './log/replay-log.ts'
import { MemoryIndex } from './memory-index.ts'
import type { StoreEvent } from './store.ts'
import type { StoredEntry } from './stored-entry.ts'
import { upgradeFormat } from './upgrade-format.ts'
import type { ValueCodec } from './value-codec.ts'

export interface LoadOptions {
  codec: ValueCodec
  bounds: HistoryBounds
  nowMs: number
}

export interface LoadedStore {
  index: MemoryIndex
  log: LogState
}

interface Base {
  index: MemoryIndex
  unreadable: Unreadable
  /** The oldest segment that is needed, and the revision that it follows. */
  first: number
  revision: number
}

/**
 * Keys whose value here cannot be decrypted, and why. That is no failure when the log has a later one: keys are rotated
 * by writing all objects again and dropping the old key, and what it wrote is still on the disk then.
 */
type Unreadable = Map<string, SkiffError>

/** The entry that `read` gives; undefined when it is unreadable. */
const tryRead = (key: string, unreadable: Unreadable, read: () => StoredEntry): StoredEntry | undefined => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SkiffError) || error.code !== 'INVALID_INPUT') throw error
    unreadable.set(key, error)
    return undefined
  }
}

/** The state where the log begins. */
const loadObjects = ({ root, objects }: LmdbFile, directory: string, codec: ValueCodec): Base => {
  const index = new MemoryIndex()
  const revision = readNumber(root, 'revision')
  index.compactedRevision = readNumber(root, 'compacted')
  const unreadable: Unreadable = new Map()
  let last = 0
  for (const { key, value } of objects.getRange({})) {
    const entry = tryRead(key, unreadable, () => decodeStored(key, value, codec))
    if (entry === undefined) continue
    last = Math.max(last, entry.revision)
    index.load(entry)
  }
  const known = Math.max(revision, index.compactedRevision)
  if (last > known)
    throw new SkiffError('CORRUPT', `${storeFile(directory)}: revision ${last} is later than the last, ${known}`)
  return { index, unreadable, first: readNumber(root, 'segment'), revision }
}

/** Does again what a group did. */
class Replay {
  readonly #index: MemoryIndex
  readonly #unreadable: Unreadable
  readonly #options: LoadOptions
  /** What is in the objects already, in part perhaps, is no history. */
  readonly #folded: number
  #compacted: number
  constructor({ index, unreadable }: Base, options: LoadOptions) {
    this.#index = index
    this.#unreadable = unreadable
    this.#options = options
    this.#folded = index.compactedRevision
    this.#compacted = index.compactedRevision
  }

  #event({ type, key, revision, value }: LoggedEvent, timeMs: number): StoreEvent | undefined {
    const index = this.#index
    const unknownBefore = this.#unreadable.delete(key)
    const read = () => keepEntry(key, revision, value, this.#options.codec)
    const entry = type === 'put' ? tryRead(key, this.#unreadable, read) : undefined
    const unknown = unknownBefore || this.#unreadable.has(key)
    // No event can tell of what nobody can read: the history of these objects begins after it.
    if (unknown) index.forget(key, revision)
    if (unknown || revision <= this.#folded) {
      if (entry === undefined) index.unload(key)
      else index.load(entry)
      return undefined
    }
    const previous = index.get(key)
    if (entry !== undefined) return { type: 'put', entry, previous, timeMs }
    if (previous === undefined)
      throw new SkiffError('CORRUPT', `the log: revision ${revision} deletes ${key}, which is not there`)
    return { type: 'delete', entry: previous.at(revision), previous, timeMs }
  }

  group(group: LogGroup): void {
    const { bounds } = this.#options
    this.#compacted = Math.max(this.#compacted, group.compacted)
    const events: StoreEvent[] = []
    for (const logged of group.events()) {
      const event = this.#event(logged, group.timeMs)
      if (event === undefined) continue
      events.push(event)
      // One at a time: the next may change the same key.
      this.#index.apply([event])
    }
    if (this.#index.crowded(bounds, events)) this.#index.trim(bounds, group.timeMs)
  }

  end(revision: number): void {
    for (const error of this.#unreadable.values()) throw error
    const index = this.#index
    const { bounds, nowMs } = this.#options
    index.revision = revision
    index.compact(this.#compacted)
    index.trim(bounds, nowMs)
  }
}

/**
 * Reads the whole store into memory, and brings one of an earlier format up to this one. LMDB is closed again when it
 * returns. Throws SkiffError CORRUPT, and INVALID_INPUT when a value is encrypted with a key that is not there.
 */
export const loadStore = async (directory: string, options: LoadOptions): Promise<LoadedStore> => {
  const base = await withLmdbFile(directory, async file => {
    await upgradeFormat(file, directory)
    return loadObjects(file, directory, options.codec)
  })
  const { index, first, revision } = base
  removeLeftovers(directory, first)
  const replay = new Replay(base, options)
  const log = replayLog(directory, { first, revision }, group => replay.group(group))
  replay.end(log.revision)
  return { index, log }
}
