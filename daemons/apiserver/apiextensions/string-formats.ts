import { isIPv4, isIPv6 } from 'node:net'
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../kinds/name-syntax.ts'

type Rule = (text: string) => boolean

const matches =
  (pattern: RegExp): Rule =>
  text =>
    pattern.test(text)

const isUrl: Rule = text => {
  try {
    if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) return text.startsWith('/')
    new URL(text)
    return true
  } catch {
    return false
  }
}

const isCidr: Rule = text => {
  const [address = '', bits = '', ...rest] = text.split('/')
  const max = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= max
}

const isBase64: Rule = text => text.length % 4 === 0 && /^[A-Za-z0-9+/\r\n]*={0,2}$/.test(text)

const dayExists = (text: string): boolean => {
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10))
}

const isDate: Rule = text => /^\d{4}-\d{2}-\d{2}$/.test(text) && dayExists(text)

const isDateTime: Rule = text => {
  const match = /^\d{4}-\d{2}-\d{2}[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.exec(text)
  return match !== null && dayExists(text) && Number(match[1]) < 24 && Number(match[2]) < 60 && Number(match[3]) < 61
}

/** Go's time.ParseDuration, and the words that go-openapi reads besides: `2 weeks`. */
const isDuration = matches(
  /^([+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+|[+-]?0|(\d+\s*(ns|nano|us|µs|micro|ms|milli|s|sec|m|min|h|hr|hour|d|day|w|wk|week)s?\s*)+)$/,
)

const isCreditCard: Rule = text => {
  const digits = text.replace(/[- ]/g, '')
  if (!/^\d{13,16}$/.test(digits)) return false
  const sum = digits
    .split('')
    .reverse()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 1 ? 2 : 1)
      return total + (value > 9 ? value - 9 : value)
    }, 0)
  return sum % 10 === 0
}

const isIsbn10: Rule = text => {
  const digits = text.replace(/[- ]/g, '')
  if (!/^\d{9}[\dX]$/.test(digits)) return false
  return (
    digits.split('').reduce((sum, digit, index) => sum + (10 - index) * (digit === 'X' ? 10 : Number(digit)), 0) %
      11 ===
    0
  )
}

const isIsbn13: Rule = text => {
  const digits = text.replace(/[- ]/g, '')
  return (
    /^\d{13}$/.test(digits) &&
    digits.split('').reduce((sum, d, i) => sum + Number(d) * (i % 2 === 1 ? 3 : 1), 0) % 10 === 0
  )
}

const uuid = (version: string): Rule =>
  matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i'))

/** The formats of strings that upstream checks; every other format says nothing. (kube-openapi's strfmt.) */
const rules: Readonly<Record<string, Rule>> = {
  bsonobjectid: matches(/^[0-9a-f]{24}$/i),
  uri: isUrl,
  email: matches(/^[^\s@<>()[\],;:"]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/),
  hostname: text => text.length <= 255 && /^[A-Za-z0-9]([A-Za-z0-9-]{0,62})?(\.[A-Za-z0-9-]{1,63})*\.?$/.test(text),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: matches(/^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4,6}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2,3}[0-9a-f]{4}$/i),
  uuid: uuid('[0-9a-f]'),
  uuid3: uuid('3'),
  uuid4: uuid('4'),
  uuid5: uuid('5'),
  isbn: text => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i),
  rgbcolor: matches(
    /^rgb\(\s*(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])\s*(,\s*(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])\s*){2}\)$/,
  ),
  byte: isBase64,
  date: isDate,
  datetime: isDateTime,
  'date-time': isDateTime,
  duration: isDuration,
  'k8s-short-name': text => dns1123LabelErrors(text).length === 0,
  'k8s-long-name': text => dns1123SubdomainErrors(text).length === 0,
}

/** Whether a text is of a format; true for a format nobody knows. */
export const hasFormat = (text: string, format: string): boolean =>
  !Object.hasOwn(rules, format) || rules[format]?.(text) !== false
