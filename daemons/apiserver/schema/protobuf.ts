/**
 * The few things of protobuf's wire format that the OpenAPI messages need. An absent or empty value encodes to
 * nothing, as proto3 has it. A message is the concatenation of its fields.
 */
export type Fields = readonly (Buffer | undefined)[]

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest & 127) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

const delimited = (field: number, content: Buffer): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(content.length), content])

const join = (fields: Fields): Buffer => Buffer.concat(fields.filter(field => field !== undefined))

export const stringField = (field: number, value: string | undefined): Buffer | undefined =>
  value === undefined || value === '' ? undefined : delimited(field, Buffer.from(value))

export const boolField = (field: number, value: boolean | undefined): Buffer | undefined =>
  value === true ? Buffer.concat([varint(field * 8), varint(1)]) : undefined

/** A whole number from 0 on. */
export const intField = (field: number, value: number | undefined): Buffer | undefined =>
  value === undefined || value === 0 ? undefined : Buffer.concat([varint(field * 8), varint(value)])

export const doubleField = (field: number, value: number | undefined): Buffer | undefined => {
  if (value === undefined || value === 0) return undefined
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([varint(field * 8 + 1), bytes])
}

/** An embedded message, also when it is empty: that it is there may mean something. */
export const messageField = (field: number, fields: Fields): Buffer => delimited(field, join(fields))

export const repeated = <T>(
  values: readonly T[] | undefined,
  encode: (value: T) => Buffer | undefined,
): Buffer | undefined => (values === undefined || values.length === 0 ? undefined : join(values.map(encode)))

export const message = join
