import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SkiffError } from '../../../../kube/errors.ts'
import type { LogGroup } from './log-group.ts'
import { listSegments, logDirectory, segmentFile, segmentHeadBytes } from './segment-head.ts'
import { corruptLog, SegmentReader, type Tail } from './segment-reader.ts'

/** A segment that is full. */
export interface SealedSegment {
  number: number
  file: string
  /** Of its last group. */
  revision: number
  timeMs: number
}

/** Where a log ends. */
export interface LogState {
  sealed: SealedSegment[]
  end: { number: number; position: number; torn: boolean }
  /** Of the last group. */
  revision: number
  timeMs: number
}

interface Read {
  file: string
  /** Where its last whole group ends. */
  position: number
  tail: Tail
}

/** The segments from `first` on. Throws CORRUPT when one of them is missing. */
const expectedSegments = (directory: string, first: number): number[] => {
  const numbers = listSegments(directory).filter(number => number >= first)
  const last = Math.max(first, ...numbers)
  for (let number = first; number <= last; number++)
    if (!numbers.includes(number))
      throw new SkiffError('CORRUPT', `${segmentFile(directory, number)} is missing: what it held is lost`, {
        remedy: 'put it back, or restore the store from a backup (skiff backup restore)',
      })
  return numbers
}

/** What folding and a crash while a segment was made have left. */
export const removeLeftovers = (directory: string, first: number): void => {
  for (const number of listSegments(directory))
    if (number < first) rmSync(segmentFile(directory, number), { force: true })
  for (const name of readdirSync(logDirectory(directory)))
    if (name.endsWith('.log.new')) rmSync(join(logDirectory(directory), name), { force: true })
}

/** Only the last segment with anything in it may have remains at its end. */
const refuseAfter = (before: Read, file: string): void => {
  if (before.tail !== 'zero')
    throw corruptLog(before.file, before.position, `a group is damaged, and ${file} follows it`)
}

const readSegment = (
  reader: SegmentReader,
  { state, before, visit }: { state: LogState; before: Read; visit(group: LogGroup): void },
): Read => {
  const { file } = reader
  for (const group of reader.groups()) {
    refuseAfter(before, file)
    if (group.before !== state.revision)
      throw corruptLog(file, reader.offset, `revision ${group.before} is to follow ${state.revision}`)
    visit(group)
    state.revision = group.revision
    state.timeMs = group.timeMs
  }
  const read = { file, position: reader.offset, tail: reader.tail() }
  if (read.tail === 'torn') refuseAfter(before, file)
  if (read.tail === 'groups') throw corruptLog(file, read.position, 'a group is damaged, and others follow it')
  return read
}

/**
 * Gives every group of the log that follows `revision`, from the segment `first` on, in order. What a crash cut off at
 * the very end counts as not written. Throws SkiffError CORRUPT, with the file and the place, when anything is missing
 * before the end.
 */
export const replayLog = (
  directory: string,
  { first, revision }: { first: number; revision: number },
  visit: (group: LogGroup) => void,
): LogState => {
  const end = { number: first, position: segmentHeadBytes, torn: false }
  const state: LogState = { sealed: [], end, revision, timeMs: 0 }
  let before: Read = { file: logDirectory(directory), position: 0, tail: 'zero' }
  for (const number of expectedSegments(directory, first)) {
    const file = segmentFile(directory, number)
    const { revision, timeMs } = state
    const reader = new SegmentReader(file, number)
    try {
      const read = readSegment(reader, { state, before, visit })
      if (number > first && read.position === segmentHeadBytes && read.tail === 'zero') {
        // Made ahead, and not used yet: it is made again.
        rmSync(file)
        continue
      }
      if (number > first) state.sealed.push({ number: end.number, file: before.file, revision, timeMs })
      Object.assign(end, { number, position: read.position, torn: read.tail === 'torn' })
      before = read
    } finally {
      reader.close()
    }
  }
  return state
}
