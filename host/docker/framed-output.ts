import { Readable } from 'node:stream'

const HEAD_BYTES = 8
const STDERR = 2

/**
 * Docker's multiplexed output without a terminal: frames of `[stream, 0, 0, 0, length32]` and bytes. Takes pieces of any
 * size and hands each part of a frame on as it comes.
 */
export class FrameSplitter {
  #head: Buffer = Buffer.alloc(0)
  #stream = 0
  #left = 0

  split(chunk: Buffer, emit: (stream: 'stdout' | 'stderr', bytes: Buffer) => void): void {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#left === 0) {
        const more = rest.subarray(0, HEAD_BYTES - this.#head.length)
        rest = rest.subarray(more.length)
        this.#head = Buffer.concat([this.#head, more])
        if (this.#head.length < HEAD_BYTES) return
        this.#stream = this.#head[0] ?? 0
        this.#left = this.#head.readUInt32BE(4)
        this.#head = Buffer.alloc(0)
        continue
      }
      const part = rest.subarray(0, this.#left)
      rest = rest.subarray(part.length)
      this.#left -= part.length
      emit(this.#stream === STDERR ? 'stderr' : 'stdout', part)
    }
  }
}

export interface Output {
  stdout: Readable
  stderr: Readable
  /** Resolves when the source has ended, broken or been destroyed. */
  ended: Promise<void>
}

/**
 * The two outputs of a container or exec. Read both, from the same turn on: the source stops while either is full. They end, without an
 * error, however the source ends: who must know why asks for the exit code.
 */
export const outputOf = (source: Readable, tty: boolean): Output => {
  const resume = () => source.resume()
  const stdout = new Readable({ read: resume })
  const stderr = new Readable({ read: resume })
  const outputs = { stdout, stderr }
  const splitter = new FrameSplitter()
  const emit = (stream: 'stdout' | 'stderr', bytes: Buffer) => {
    const to = outputs[stream]
    if (!to.destroyed && !to.push(bytes)) source.pause()
  }
  const ended = new Promise<void>(resolve => {
    const end = () => {
      stdout.push(null)
      stderr.push(null)
      resolve()
    }
    // Nothing flows before the first read: readers that come in the same turn get the chunks of both in the order they came.
    source.pause()
    source.on('data', (chunk: Buffer) => (tty ? emit('stdout', chunk) : splitter.split(chunk, emit)))
    source.once('end', end)
    source.once('close', end)
    source.once('error', end)
  })
  // A reader that goes away must not leave the source paused for ever, and nobody else would read it.
  const gone = () => {
    if (stdout.destroyed && stderr.destroyed) source.destroy()
    else source.resume()
  }
  stdout.once('close', gone)
  stderr.once('close', gone)
  return { stdout, stderr, ended }
}
