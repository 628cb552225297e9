import { SkiffError } from '../../../kube/errors.ts'
import type { HistoryBounds } from './history-bounds.ts'
import { type LmdbFile, readNumber, storeFile, withLmdbFile } from './lmdb-file.ts'
import { decodeStored, keepEntry } from './lmdb-records.ts'
import type { LogGroup, LoggedEvent } from './log/log-group.ts'
import { type LogState, removeLeftovers, replayLog } from './log/replay-log.ts'
import { MemoryIndex } from './memory-index.ts'
import type { StoreEvent } from './store.ts'
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
  /** The oldest segment that is needed, and the revision that it follows. */
  first: number
  revision: number
}

/** The state where the log begins. */
const loadObjects = ({ root, objects }: LmdbFile, directory: string, codec: ValueCodec): Base => {
  const index = new MemoryIndex()
  const revision = readNumber(root, 'revision')
  index.compactedRevision = readNumber(root, 'compacted')
  let last = 0
  for (const { key, value } of objects.getRange({})) {
    const entry = decodeStored(key, value, codec)
    last = Math.max(last, entry.revision)
    index.load(entry)
  }
  const known = Math.max(revision, index.compactedRevision)
  if (last > known)
    throw new SkiffError('CORRUPT', `${storeFile(directory)}: revision ${last} is later than the last, ${known}`)
  return { index, first: readNumber(root, 'segment'), revision }
}

/** Does again what a group did. */
class Replay {
  readonly #index: MemoryIndex
  readonly #options: LoadOptions
  /** What is in the objects already, in part perhaps, is no history. */
  readonly #folded: number
  #compacted: number
  constructor(index: MemoryIndex, options: LoadOptions) {
    this.#index = index
    this.#options = options
    this.#folded = index.compactedRevision
    this.#compacted = index.compactedRevision
  }

  #event({ type, key, revision, value }: LoggedEvent, timeMs: number): StoreEvent | undefined {
    const index = this.#index
    const entry = type === 'put' ? keepEntry(key, revision, value, this.#options.codec) : undefined
    if (revision <= this.#folded) {
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
  const { index, first, revision } = await withLmdbFile(directory, async file => {
    await upgradeFormat(file, directory)
    return loadObjects(file, directory, options.codec)
  })
  removeLeftovers(directory, first)
  const replay = new Replay(index, options)
  const log = replayLog(directory, { first, revision }, group => replay.group(group))
  replay.end(log.revision)
  return { index, log }
}
