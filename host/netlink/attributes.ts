/** A netlink attribute: its type, and raw bytes or nested attributes. */
export type Attribute = readonly [type: number, value: Buffer | readonly Attribute[]]

const NLA_F_NESTED = 0x8000
const TYPE_MASK = 0x3fff

export const u8 = (value: number): Buffer => Buffer.from([value])
// Netlink speaks the host's byte order; every machine Node.js is built for today is little-endian.
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}
export const zeroTerminated = (text: string): Buffer => Buffer.from(`${text}\0`)

/** Each attribute starts on a 4-byte boundary; the padding is not counted in its length (netlink(7)). */
export const encodeAttributes = (attributes: readonly Attribute[]): Buffer =>
  Buffer.concat(
    attributes.flatMap(([type, value]) => {
      const nested = !Buffer.isBuffer(value)
      const body = nested ? encodeAttributes(value) : value
      const header = Buffer.alloc(4)
      header.writeUInt16LE(4 + body.length, 0)
      header.writeUInt16LE(nested ? type | NLA_F_NESTED : type, 2)
      return [header, body, Buffer.alloc((4 - (body.length % 4)) % 4)]
    }),
  )

/** By type; a repeated type keeps its last value. What is left after a malformed header is ignored. */
export const decodeAttributes = (bytes: Buffer): Map<number, Buffer> => {
  const found = new Map<number, Buffer>()
  let at = 0
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(at)
    if (length < 4 || at + length > bytes.length) break
    found.set(bytes.readUInt16LE(at + 2) & TYPE_MASK, bytes.subarray(at + 4, at + length))
    at += (length + 3) & ~3
  }
  return found
}
