import { isIP, isIPv4 } from 'node:net'
import { formatIp, parseIp } from '../../../kube/ip-address.ts'

/**
 * The syntax rules of names, labels and ports. Each returns the sentences of what is wrong (upstream's words, which
 * people search for), none when the value is fine.
 */
const dns1123Label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const dns1123Subdomain = `${dns1123Label}(\\.${dns1123Label})*`
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValue = `(${qualifiedName})?`
const dns1035Label = '[a-z]([-a-z0-9]*[a-z0-9])?'

const underscoreLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const underscoreSubdomain = `${underscoreLabel}(\\.${underscoreLabel})*`

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`)
const labelPattern = whole(dns1123Label)
const subdomainPattern = whole(dns1123Subdomain)
const underscorePattern = whole(underscoreSubdomain)
const wildcardPattern = whole(`\\*\\.${dns1123Subdomain}`)
const qualifiedPattern = whole(qualifiedName)
const valuePattern = whole(labelValue)
const label1035Pattern = whole(dns1035Label)
const configKeyPattern = whole('[-._a-zA-Z0-9]+')
const envPattern = /^[ -<>-~]+$/

const regexHint = (pattern: string, ...examples: string[]): string =>
  ` (e.g. ${examples.map(e => `'${e}'`).join(',  or ')}, regex used for validation is '${pattern}')`

const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character" +
  regexHint(dns1123Label, 'my-name', '123-abc')
const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character" +
  regexHint(dns1123Subdomain, 'example.com')
const underscoreMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character" +
  regexHint(underscoreSubdomain, 'example.com')
const wildcardMessage =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character" +
  regexHint(`\\*\\.${dns1123Subdomain}`, '*.example.com')
const label1035Message =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character" +
  regexHint(dns1035Label, 'my-name', 'abc-123')
const qualifiedMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character" +
  regexHint(qualifiedName, 'MyName', 'my.name', '123-abc')
const valueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character" +
  regexHint(labelValue, 'MyValue', 'my_value', '12345')

const tooLongName = (max: number) => `must be no more than ${max} bytes`

const check = (value: string, max: number, pattern: RegExp, message: string): string[] => {
  const wrong: string[] = []
  if (value.length > max) wrong.push(tooLongName(max))
  if (!pattern.test(value)) wrong.push(message)
  return wrong
}

export const dns1123LabelErrors = (value: string): string[] => check(value, 63, labelPattern, labelMessage)
export const dns1123SubdomainErrors = (value: string): string[] => check(value, 253, subdomainPattern, subdomainMessage)
/** Search domains may have underscores, which names of services in DNS begin with. */
export const underscoreSubdomainErrors = (value: string): string[] =>
  check(value, 253, underscorePattern, underscoreMessage)
export const wildcardSubdomainErrors = (value: string): string[] => check(value, 253, wildcardPattern, wildcardMessage)
export const dns1035LabelErrors = (value: string): string[] => check(value, 63, label1035Pattern, label1035Message)
export const labelValueErrors = (value: string): string[] => check(value, 63, valuePattern, valueMessage)

/** Names that only have to fit one segment of a URL's path (RBAC). */
export const pathSegmentErrors = (value: string): string[] => {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  return ['/', '%'].filter(c => value.includes(c)).map(c => `may not contain '${c}'`)
}

/** `example.com/MyName` or `MyName`: keys of labels, annotations, resources, conditions. */
export const qualifiedNameErrors = (value: string): string[] => {
  const parts = value.split('/')
  if (parts.length > 2)
    return [
      `a qualified name ${qualifiedMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  const wrong: string[] = []
  const name = parts.at(-1) ?? ''
  const prefix = parts.length === 2 ? parts[0] : undefined
  if (prefix === '') wrong.push('prefix part must be non-empty')
  else if (prefix !== undefined) wrong.push(...dns1123SubdomainErrors(prefix).map(m => `prefix part ${m}`))
  if (name === '') wrong.push('name part must be non-empty')
  else if (name.length > 63) wrong.push(`name part ${tooLongName(63)}`)
  if (!qualifiedPattern.test(name)) wrong.push(`name part ${qualifiedMessage}`)
  return wrong
}

/** Keys of ConfigMaps and Secrets: file names. */
export const configKeyErrors = (value: string): string[] => {
  const wrong = check(
    value,
    253,
    configKeyPattern,
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'" +
      regexHint('[-._a-zA-Z0-9]+', 'key.name', 'KEY_NAME', 'key-name'),
  )
  if (value === '.' || value === '..') wrong.push(`must not be '${value}'`)
  else if (value.startsWith('..')) wrong.push("must not start with '..'")
  return wrong
}

/** Since 1.34 any printable ASCII but `=` may name an environment variable. */
export const envNameErrors = (value: string): string[] =>
  envPattern.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]

/** IANA service names, as named ports have them (RFC 6335). */
export const portNameErrors = (value: string): string[] => {
  const wrong: string[] = []
  if (value.length > 15) wrong.push('must be no more than 15 bytes')
  if (!/^[-a-z0-9]+$/.test(value)) wrong.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(value)) wrong.push('must contain at least one letter (a-z)')
  if (value.includes('--')) wrong.push('must not contain consecutive hyphens')
  if (value.startsWith('-') || value.endsWith('-')) wrong.push('must not begin or end with a hyphen')
  return wrong
}

export const portNumberErrors = (value: number): string[] =>
  value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive']

export const ipErrors = (value: string): string[] =>
  isIP(value) === 0 ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : []

/** Names that are addresses: one address has one name. */
export const canonicalIpErrors = (value: string): string[] => {
  if (isIP(value) === 0 || value.includes('%')) return [`ParseAddr(${JSON.stringify(value)}): unable to parse IP`]
  return formatIp(parseIp(value)) === value ? [] : ['must be a canonical format IP address']
}

/** Addresses behind a Service must be reachable from another host. */
export const nonSpecialIpErrors = (value: string): string[] => {
  const wrong = ipErrors(value)
  if (wrong.length > 0) return wrong
  const v6 = value.toLowerCase()
  if (value === '0.0.0.0' || v6 === '::') wrong.push('may not be unspecified (0.0.0.0 or ::)')
  if (value.startsWith('127.') || v6 === '::1') wrong.push('may not be in the loopback range (127.0.0.0/8, ::1/128)')
  if (value.startsWith('169.254.') || /^fe[89ab]/.test(v6))
    wrong.push('may not be in the link-local range (169.254.0.0/16, fe80::/10)')
  if ((isIPv4(value) && value.startsWith('224.0.0.')) || v6.startsWith('ff02:'))
    wrong.push('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')
  return wrong
}

/** `10.0.0.0/8`; the host bits may be set. */
export const cidrErrors = (value: string): string[] => {
  const [address = '', bits = '', ...rest] = value.split('/')
  const family = isIP(address)
  const fine = rest.length === 0 && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  return fine ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
}
