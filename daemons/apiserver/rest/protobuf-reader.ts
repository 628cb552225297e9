/** Why bytes are no protobuf, in the words of gogo's generated code. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

/** Messages within messages: as deep as JSON bodies may be. */
const maxDepth = 1000
/** An empty message is two bytes on the wire and a hundred in memory: a body has no more parts than this. */
const maxParts = 1_000_000

const cutOff = () => new ProtobufError('unexpected EOF')

/** Reads one message out of its part of a buffer; what lies behind `end` is never touched. All methods throw ProtobufError. */
export class ProtobufReader {
  readonly bytes: Buffer
  at: number
  readonly end: number
  readonly #depth: number
  /** Parts read so far of the whole body, which all its readers share. */
  readonly #count: { parts: number }
  constructor(bytes: Buffer, at = 0, end = bytes.length, outer?: ProtobufReader) {
    this.bytes = bytes
    this.at = at
    this.end = end
    this.#depth = outer === undefined ? 0 : outer.#depth + 1
    this.#count = outer === undefined ? { parts: 0 } : outer.#count
    if (this.#depth > maxDepth) throw new ProtobufError(`exceeded max depth of ${maxDepth}`)
    if (++this.#count.parts > maxParts) throw new ProtobufError(`more than ${maxParts} parts`)
  }

  get done(): boolean {
    return this.at >= this.end
  }

  /** 64 bits, signed; beyond 2^53 the nearest number, as JSON has it. */
  varint(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 64; shift += 7) {
      if (this.at >= this.end) throw cutOff()
      const byte = this.bytes[this.at++] ?? 0
      const bits = byte & 0x7f
      if (shift < 32) low |= bits << shift
      if (shift > 25) high |= shift < 32 ? bits >>> (32 - shift) : bits << (shift - 32)
      if (byte < 0x80) return high * 4_294_967_296 + (low >>> 0)
    }
    throw new ProtobufError('proto: integer overflow')
  }

  /** The low half of a varint: what Go keeps of one in an int32. */
  int32(): number {
    return Number(BigInt.asIntN(32, BigInt(this.varint())))
  }

  /** The part that a length and its bytes give; the reader then stands behind it. */
  part(): ProtobufReader {
    const length = this.varint()
    if (length < 0) throw new ProtobufError('proto: negative length found during unmarshaling')
    const start = this.at
    const end = start + length
    if (end > this.end) throw cutOff()
    this.at = end
    return new ProtobufReader(this.bytes, start, end, this)
  }

  double(): number {
    const start = this.at
    if (start + 8 > this.end) throw cutOff()
    this.at = start + 8
    return this.bytes.readDoubleLE(start)
  }

  text(): string {
    return this.bytes.toString('utf8', this.at, this.end)
  }

  /** Passes over a field of no interest, groups and what is in them included. */
  skip(wire: number): void {
    let open = 0
    for (let kind = wire; ; kind = this.varint() & 7) {
      if (kind === 0) this.varint()
      else if (kind === 1) this.at += 8
      else if (kind === 2) this.part()
      else if (kind === 3) open++
      else if (kind === 4) open--
      else if (kind === 5) this.at += 4
      else throw new ProtobufError(`proto: illegal wireType ${kind}`)
      if (this.at > this.end) throw cutOff()
      if (open <= 0) return
    }
  }
}
