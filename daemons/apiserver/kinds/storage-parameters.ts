import { invalid, invalidEach, required, tooLong } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { qualifiedNameErrors } from './name-syntax.ts'

const maxCount = 512
const maxBytes = 256 * 1024

/** Who provisions volumes: `example.com/driver`. */
export const validateProvisioner = (name: string | undefined, path: string): FieldError[] =>
  name ? invalidEach(path, name, qualifiedNameErrors(name.toLowerCase())) : [required(path)]

/** What a provisioner is told, in words of its own. */
export const validateParameters = (
  parameters: Readonly<Record<string, string | undefined>> | undefined,
  { path, mayBeEmpty }: { path: string; mayBeEmpty: boolean },
): FieldError[] => {
  const entries = Object.entries(parameters ?? {})
  if (entries.length > maxCount) return [tooLong(path, maxCount)]
  const errors = entries.filter(([key]) => key === '').map(([key]) => invalid(path, key, 'field can not be empty.'))
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value ?? ''), 0)
  if (bytes > maxBytes) errors.push(tooLong(path, maxBytes))
  if (!mayBeEmpty && entries.length === 0) errors.push(required(path, 'must contain at least one key/value pair'))
  return errors
}
