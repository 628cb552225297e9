const initialBytes = 64 * 1024
/** A buffer that one large list has grown past this is not kept. */
const keptBytes = 4 * 1024 * 1024
/** Up to this length a loop over the characters beats a call into Node's own code. */
const shortText = 40

/**
 * Writes protobuf from the end of one buffer to its front, so that a message's length is known when its head is written
 * and nothing is measured twice. What is written last stands first.
 */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafeSlow(initialBytes)
  #at = initialBytes

  /** Bytes written so far; a message's length is the difference of two of these. */
  get written(): number {
    return this.#buffer.length - this.#at
  }

  #reserve(bytes: number): void {
    if (this.#at >= bytes) return
    const { written } = this
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, written + bytes))
    this.#buffer.copy(larger, larger.length - written, this.#at)
    this.#at = larger.length - written
    this.#buffer = larger
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[--this.#at] = value
  }

  /** A whole number between -2^63 and 2^63. */
  varint(value: number): void {
    if (value >= 0 && value < 128) return this.byte(value)
    this.#reserve(10)
    if (!Number.isSafeInteger(value) || value < 0) return this.#bigVarint(value)
    let bytes = 1
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
    this.#at -= bytes
    let rest = value
    for (let i = this.#at; i < this.#at + bytes - 1; i++) {
      this.#buffer[i] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.#at + bytes - 1] = rest
  }

  /** Negative numbers are ten bytes: they are sign-extended to 64 bits, whatever their type. */
  #bigVarint(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(Number.isFinite(value) ? Math.trunc(value) : 0))
    const bytes: number[] = []
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    bytes.push(Number(rest))
    this.#at -= bytes.length
    this.#buffer.set(bytes, this.#at)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#at -= 8
    this.#buffer.writeDoubleLE(value, this.#at)
  }

  tag(number: number, wire: number): void {
    this.varint(number * 8 + wire)
  }

  raw(bytes: Buffer): void {
    const { length } = bytes
    this.#reserve(length)
    this.#at -= length
    if (length > shortText) this.#buffer.set(bytes, this.#at)
    else for (let i = 0; i < length; i++) this.#buffer[this.#at + i] = bytes[i] ?? 0
  }

  /** The text's bytes with their length in front. */
  text(value: string): void {
    const { length } = value
    if (length <= shortText) {
      this.#reserve(length + 1)
      const buffer = this.#buffer
      let at = this.#at
      let i = length - 1
      for (; i >= 0; i--) {
        const code = value.charCodeAt(i)
        if (code > 127) break
        buffer[--at] = code
      }
      if (i < 0) {
        buffer[--at] = length
        this.#at = at
        return
      }
    }
    const bytes = Buffer.byteLength(value)
    this.#reserve(bytes)
    this.#at -= bytes
    this.#buffer.write(value, this.#at, bytes)
    this.varint(bytes)
  }

  bytes(value: Buffer): void {
    this.raw(value)
    this.varint(value.length)
  }

  /** A copy of what was written since the last of these; the writer is empty again. */
  take(): Buffer {
    // Long-lived buffers stay out of Node's shared pool: one small object would keep a whole slab of it alive.
    const result = Buffer.allocUnsafeSlow(this.written)
    this.#buffer.copy(result, 0, this.#at)
    this.reset()
    return result
  }

  reset(): void {
    if (this.#buffer.length > keptBytes) this.#buffer = Buffer.allocUnsafeSlow(initialBytes)
    this.#at = this.#buffer.length
  }
}
