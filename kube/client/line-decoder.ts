import { SkiffError } from '../errors.ts'

/** Longer than any object the API stores (1.5 MiB), with room for what encoding adds. */
const maxLineBytes = 16 * 1024 * 1024

/**
 * Cuts a byte stream into lines. It splits on the newline byte, never inside a UTF-8 sequence, so chunks may end anywhere.
 */
export class LineDecoder {
  #parts: Buffer[] = []
  #bytes = 0

  /** The lines that this chunk completes, without their newlines; empty lines are left out. Throws SkiffError CORRUPT on an endless line. */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const tail = chunk.subarray(start, end)
      const line = this.#parts.length === 0 ? tail : Buffer.concat([...this.#parts, tail])
      if (line.length > 0) lines.push(line.toString('utf8'))
      this.#parts = []
      this.#bytes = 0
      start = end + 1
    }
    if (start < chunk.length) {
      this.#parts.push(chunk.subarray(start))
      this.#bytes += chunk.length - start
      if (this.#bytes > maxLineBytes)
        throw new SkiffError('CORRUPT', `a line of more than ${maxLineBytes} bytes in a watch`)
    }
    return lines
  }

  /** Bytes of a line that has not ended. */
  get pendingBytes(): number {
    return this.#bytes
  }
}
