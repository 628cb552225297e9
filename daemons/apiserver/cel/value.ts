import type { CelType } from './cel-type.ts'

export class CelUint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

/** An instant, in nanoseconds since 1970. */
export class CelTimestamp {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** A span, in nanoseconds. */
export class CelDuration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** What `type(x)` gives. */
export class CelTypeValue {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

export class CelOptional {
  static readonly none = new CelOptional(undefined)
  readonly value: CelValue | undefined
  constructor(value: CelValue | undefined) {
    this.value = value
  }
}

/** A value of one of Kubernetes' own types (an IP, a quantity, an authorizer's check): compared by `key`. */
export abstract class CelOpaque {
  abstract readonly typeName: string
  abstract readonly key: string
  /** For texts: `string(ip)`. */
  toString(): string {
    return this.key
  }
}

/** A map or an object, whatever is behind it. `get` gives undefined where there is no such key. */
export abstract class CelStruct {
  /** Of an object with known fields; undefined for a map. */
  readonly typeName: string | undefined
  abstract get(key: CelValue): CelValue | undefined
  abstract keys(): CelValue[]
  constructor(typeName?: string) {
    this.typeName = typeName
  }

  has(key: CelValue): boolean {
    return this.get(key) !== undefined
  }

  get size(): number {
    return this.keys().length
  }
}

export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | CelUint
  | CelTimestamp
  | CelDuration
  | CelTypeValue
  | CelOptional
  | CelOpaque
  | CelStruct
  | readonly CelValue[]

/** Keys of literals: `1`, `1u` and `1.0` are one key. */
const keyOf = (key: CelValue): unknown => {
  if (key instanceof CelUint) return key.value
  return typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : key
}

/** A map made by an expression. */
export class CelMap extends CelStruct {
  readonly entries: ReadonlyMap<unknown, readonly [CelValue, CelValue]>
  constructor(entries: Iterable<readonly [CelValue, CelValue]>) {
    super()
    const map = new Map<unknown, readonly [CelValue, CelValue]>()
    for (const entry of entries) map.set(keyOf(entry[0]), entry)
    this.entries = map
  }

  get(key: CelValue): CelValue | undefined {
    return this.entries.get(keyOf(key))?.[1]
  }

  keys(): CelValue[] {
    return [...this.entries.values()].map(([key]) => key)
  }
}

/** An object whose fields are worked out when they are first asked for. */
export class CelLazyObject extends CelStruct {
  private readonly makers: ReadonlyMap<string, () => CelValue | undefined>
  private readonly known = new Map<string, CelValue | undefined>()
  constructor(typeName: string, makers: ReadonlyMap<string, () => CelValue | undefined>) {
    super(typeName)
    this.makers = makers
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string') return undefined
    if (this.known.has(key)) return this.known.get(key)
    const value = this.makers.get(key)?.()
    this.known.set(key, value)
    return value
  }

  keys(): CelValue[] {
    return [...this.makers.keys()]
  }
}

const runtimeNames: [new (...args: never[]) => unknown, string][] = [
  [CelUint, 'uint'],
  [CelTimestamp, 'timestamp'],
  [CelDuration, 'duration'],
  [CelTypeValue, 'type'],
  [CelOptional, 'optional_type'],
  [Uint8Array, 'bytes'],
]

/** The name of the type a value has: `int`, `list`, `map`, `google.protobuf.Timestamp` is `timestamp`. */
export const typeNameOf = (value: CelValue): string => {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    default:
  }
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (value instanceof CelOpaque) return value.typeName
  if (value instanceof CelStruct) return value.typeName ?? 'map'
  return runtimeNames.find(([ctor]) => value instanceof ctor)?.[1] ?? 'dyn'
}

/** Whether a value is of a type, as far as choosing between overloads needs it: what is in lists is not looked at. */
export const isOfType = (value: CelValue, type: CelType): boolean => {
  switch (type.kind) {
    case 'param':
      return true
    case 'list':
      return Array.isArray(value)
    case 'map':
      return value instanceof CelStruct
    case 'object':
      return value instanceof CelStruct
    case 'optional':
      return value instanceof CelOptional
    case 'type':
      return value instanceof CelTypeValue
    case 'opaque':
      return value instanceof CelOpaque && value.typeName === type.name
    case 'simple':
      return type.name === 'dyn' || type.name === '!error!' || typeNameOf(value) === type.name
  }
}

export const isList = (value: CelValue): value is readonly CelValue[] => Array.isArray(value)
