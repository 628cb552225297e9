import { invalid, required, tooLong } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors } from './name-syntax.ts'

const maxDomainBytes = 253
/** The domain, a slash, and a path that holds a subdomain, a dot and a label. */
const maxBytes = maxDomainBytes + 1 + 253 + 63 + 1

/** `example.com/signer-name`: who is to sign a certificate. */
export const validateSignerName = (name: string | undefined, path: string): FieldError[] => {
  if (!name) return [required(path)]
  const [domain = '', rest = '', ...more] = name.split('/')
  if (!name.includes('/') || more.length > 0)
    return [invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")]
  const errors: FieldError[] = domain.length > maxDomainBytes ? [tooLong(path, maxDomainBytes)] : []
  const labels = domain.split('.')
  const wrong = (part: string, words: readonly string[], check: (word: string) => string[]): FieldError[] => {
    const word = words.find(each => check(each).length > 0)
    return word === undefined
      ? []
      : check(word).map(message => invalid(path, part, `validating label ${JSON.stringify(word)}: ${message}`))
  }
  errors.push(...wrong(domain, labels, dns1123LabelErrors))
  if (labels.length < 2)
    errors.push(invalid(path, domain, 'should be a domain with at least two segments separated by dots'))
  errors.push(...wrong(rest, rest.split('.'), dns1123SubdomainErrors))
  if (name.length > maxBytes) errors.push(tooLong(path, maxBytes))
  return errors
}
