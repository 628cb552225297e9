import { ProtobufError, type ProtobufReader } from './protobuf-reader.ts'

const year0 = -62_167_219_200
const year10000 = 253_402_300_800

/** Time (and MicroTime, with its six digits) as JSON has it; undefined for the zero time, an empty message. */
export const readTime = (reader: ProtobufReader, micro: boolean): string | undefined => {
  if (reader.done) return undefined
  let seconds = 0
  let nanos = 0
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === 8) seconds = reader.varint()
    else if (tag === 16) nanos = reader.int32()
    else reader.skip(tag & 7)
  }
  if (seconds < year0 || seconds >= year10000)
    throw new ProtobufError('Time.MarshalJSON: year outside of range [0,9999]')
  const text = new Date(seconds * 1000).toISOString().slice(0, 19)
  if (!micro) return `${text}Z`
  return `${text}.${String(Math.floor(Math.max(0, nanos) / 1000) % 1_000_000).padStart(6, '0')}Z`
}

/** The one field, of text or bytes, of a message that boxes it: a Quantity's text, raw JSON. */
export const readBoxed = (reader: ProtobufReader): ProtobufReader | undefined => {
  let found: ProtobufReader | undefined
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === 10) found = reader.part()
    else reader.skip(tag & 7)
  }
  return found
}

/** The texts of field `number`. */
export const readTexts = (reader: ProtobufReader, number: number): string[] => {
  const texts: string[] = []
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === number * 8 + 2) texts.push(reader.part().text())
    else reader.skip(tag & 7)
  }
  return texts
}

export const readIntOrString = (reader: ProtobufReader): number | string => {
  let type = 0
  let number = 0
  let text = ''
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === 8) type = reader.varint()
    else if (tag === 16) number = reader.int32()
    else if (tag === 26) text = reader.part().text()
    else reader.skip(tag & 7)
  }
  if (type !== 0 && type !== 1) throw new ProtobufError('impossible IntOrString.Type')
  return type === 0 ? number : text
}

export interface TypeMeta {
  apiVersion: string
  kind: string
}

export const readTypeMeta = (reader: ProtobufReader): TypeMeta => {
  const type = { apiVersion: '', kind: '' }
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === 10) type.apiVersion = reader.part().text()
    else if (tag === 18) type.kind = reader.part().text()
    else reader.skip(tag & 7)
  }
  return type
}
