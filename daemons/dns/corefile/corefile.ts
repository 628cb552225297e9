import { SkiffError } from '../../../kube/errors.ts'

/** One line of a server block: a plugin with its arguments, or a property within a plugin's braces. */
export interface Directive {
  name: string
  args: readonly string[]
  body: readonly Directive[]
  file: string
  line: number
}

export interface ZoneKey {
  /** Normal: lower case with the closing dot. */
  zone: string
  port: number
}

export interface ServerBlock {
  keys: readonly ZoneKey[]
  directives: readonly Directive[]
  file: string
  line: number
}

/** An error at a place of a Corefile: `Corefile:7: forward: …`. */
export const corefileError = (at: { file: string; line: number; name?: string }, message: string): SkiffError =>
  new SkiffError('INVALID_INPUT', `${at.file}:${at.line}: ${at.name === undefined ? '' : `${at.name}: `}${message}`)

export const notImplementedAt = (at: { file: string; line: number }, what: string): SkiffError =>
  new SkiffError('NOT_IMPLEMENTED', `${what}, ${at.file}:${at.line}`)
