import { invalidEach, required, tooLong } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123SubdomainErrors } from './name-syntax.ts'

const maxBytes = 63

/** The name that a CSI driver gives itself: a domain, whose letters may be capitals. */
export const validateCsiDriverName = (name: string | undefined, path: string): FieldError[] => {
  const errors = name ? [] : [required(path)]
  if ((name ?? '').length > maxBytes) errors.push(tooLong(path, maxBytes))
  return [...errors, ...invalidEach(path, name ?? '', dns1123SubdomainErrors((name ?? '').toLowerCase()))]
}
