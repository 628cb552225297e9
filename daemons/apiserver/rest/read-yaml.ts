import { parseDocument } from 'yaml'
import { type DecodedBody, unreadable } from './decoded-body.ts'
import { checkYamlBounds } from './yaml-bounds.ts'

/** Throws ApiError BadRequest or RequestEntityTooLarge. */
export const readYaml = (text: string): DecodedBody => {
  checkYamlBounds(text)
  const document = parseDocument(text)
  const twice = document.errors.filter(error => error.code === 'DUPLICATE_KEY')
  const broken = document.errors.find(error => error.code !== 'DUPLICATE_KEY')
  if (broken !== undefined) throw unreadable('YAML', broken)
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown, findings: twice.map(error => error.message) }
  } catch (cause) {
    throw unreadable('YAML', cause)
  }
}
