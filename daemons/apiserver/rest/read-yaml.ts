import { parseDocument } from 'yaml'
import { type DecodedBody, unreadable } from './decoded-body.ts'
import { checkYamlBounds } from './yaml-bounds.ts'

/** What YAML's own types become in JSON: `!!binary` its bytes as a text; sets and ordered maps have no such form. */
const toPlain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  if (Array.isArray(value)) return value.map(toPlain)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Map || value instanceof Set || value instanceof Date)
    throw new TypeError('the document has a type that JSON has not')
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]))
}

/** Throws ApiError BadRequest or RequestEntityTooLarge. */
export const readYaml = (text: string): DecodedBody => {
  checkYamlBounds(text)
  const document = parseDocument(text)
  const twice = document.errors.filter(error => error.code === 'DUPLICATE_KEY')
  const broken = document.errors.find(error => error.code !== 'DUPLICATE_KEY')
  if (broken !== undefined) throw unreadable('YAML', broken)
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    return { value: text.includes('!') ? toPlain(value) : value, findings: twice.map(error => error.message) }
  } catch (cause) {
    throw unreadable('YAML', cause)
  }
}
