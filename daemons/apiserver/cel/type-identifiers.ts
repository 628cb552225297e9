import { celDyn } from './cel-type.ts'
import type { Compiled } from './compile-context.ts'
import { CelTypeValue } from './value.ts'

/** The names of types in expressions (`type(x) == int`), and what `type()` calls them. */
const typeIdentifiers: Readonly<Record<string, string>> = {
  bool: 'bool',
  int: 'int',
  uint: 'uint',
  double: 'double',
  string: 'string',
  bytes: 'bytes',
  list: 'list',
  map: 'map',
  null_type: 'null',
  type: 'type',
  'google.protobuf.Timestamp': 'timestamp',
  'google.protobuf.Duration': 'duration',
  optional_type: 'optional_type',
  'net.IP': 'net.IP',
  'net.CIDR': 'net.CIDR',
  'kubernetes.Quantity': 'kubernetes.Quantity',
  'kubernetes.URL': 'kubernetes.URL',
  'kubernetes.Semver': 'kubernetes.Semver',
}

/** The type a name stands for; undefined where it is the name of none. */
export const typeIdentifier = (identifier: string): Compiled | undefined => {
  const name = Object.hasOwn(typeIdentifiers, identifier) ? typeIdentifiers[identifier] : undefined
  if (name === undefined) return undefined
  const value = new CelTypeValue(name)
  return { type: { kind: 'type', of: celDyn }, step: () => value }
}
