import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { SkiffError } from '../../../../kube/errors.ts'
import { groupLength, groupMagic, isWhole, LogGroup } from './log-group.ts'
import { parseSegmentHead, segmentHeadBytes } from './segment-head.ts'

/** Behind the last group: zeros to the end; remains of a write that was cut off; or groups that can be read again. */
export type Tail = 'zero' | 'torn' | 'groups'

const windowBytes = 1024 * 1024

export const corruptLog = (file: string, offset: number, why: string): SkiffError =>
  new SkiffError('CORRUPT', `${file}: at byte ${offset}: ${why}`, {
    remedy: 'restore the store from a backup (skiff backup restore)',
  })

/** Reads a segment from its start, through a window that is used again: never the whole of it is in memory. */
export class SegmentReader {
  readonly file: string
  readonly number: number
  readonly #fd: number
  readonly #size: number
  #window = Buffer.allocUnsafeSlow(windowBytes)
  #start = 0
  #end = 0
  /** Where the next group begins, or, after `groups`, where the first is missing. */
  offset = segmentHeadBytes

  /** Throws SkiffError CORRUPT when it is not segment `number`. */
  constructor(file: string, number: number) {
    this.file = file
    this.number = number
    this.#fd = openSync(file, 'r')
    try {
      this.#size = fstatSync(this.#fd).size
      const found = parseSegmentHead(this.#at(0, segmentHeadBytes))
      if (found !== number) throw corruptLog(file, 0, `is not the head of segment ${number} of the log`)
    } catch (error) {
      closeSync(this.#fd)
      throw error
    }
  }

  /** Up to `length` bytes from `offset`; fewer at the end of the file. Good until the next call. */
  #at(offset: number, length: number): Buffer {
    const end = Math.min(offset + length, this.#size)
    if (offset < this.#start || end > this.#end) {
      if (length > this.#window.length) this.#window = Buffer.allocUnsafeSlow(length)
      this.#start = offset
      this.#end = offset
      while (this.#end < end) {
        const filled = this.#end - offset
        const bytes = readSync(this.#fd, this.#window, filled, this.#window.length - filled, this.#end)
        // Another process may have cut it back meanwhile.
        if (bytes === 0) break
        this.#end += bytes
      }
    }
    return this.#window.subarray(offset - this.#start, Math.min(end, this.#end) - this.#start)
  }

  #groupAt(offset: number): LogGroup | undefined {
    const length = groupLength(this.#at(offset, 64))
    if (length === 0 || offset + length > this.#size) return undefined
    const bytes = this.#at(offset, length)
    return bytes.length === length && isWhole(bytes) ? new LogGroup(bytes) : undefined
  }

  /** Every group up to the first place where there is no whole one; each is good until the next is asked for. */
  *groups(): Generator<LogGroup> {
    for (;;) {
      const group = this.#groupAt(this.offset)
      if (group === undefined) return
      const next = this.offset + group.length
      yield group
      this.offset = next
    }
  }

  /** What is behind `offset`. */
  tail(): Tail {
    let tail: Tail = 'zero'
    for (let from = this.offset; from < this.#size;) {
      const bytes = this.#at(from, windowBytes)
      if (bytes.length === 0) break
      if (!bytes.equals(Buffer.alloc(bytes.length))) tail = 'torn'
      const found = bytes.indexOf(groupMagic)
      if (found >= 0) {
        const at = from + found
        if (this.#groupAt(at) !== undefined) return 'groups'
        from = at + 1
      } else {
        // The magic may lie across the border of two windows.
        from += Math.max(1, bytes.length - (from + bytes.length < this.#size ? groupMagic.length - 1 : 0))
      }
    }
    return tail
  }

  close(): void {
    closeSync(this.#fd)
  }
}
