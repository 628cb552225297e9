import { invalid, required } from './field-error.ts'
import type { FieldError } from './kind.ts'

/** A path that stays inside what it is in. */
export const validateLocalPath = (text: string, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (text.startsWith('/')) errors.push(invalid(path, text, 'must be a relative path'))
  if (text.split('/').includes('..')) errors.push(invalid(path, text, "must not contain '..'"))
  return errors
}

/** The path of a file that a volume makes: names that begin with two dots are how updates of it are made atomic. */
export const validateFilePath = (text: string | undefined, path: string): FieldError[] => {
  if (!text) return [required(path)]
  const errors = validateLocalPath(text, path)
  if (text.startsWith('..') && !text.startsWith('../')) errors.push(invalid(path, text, "must not start with '..'"))
  return errors
}
