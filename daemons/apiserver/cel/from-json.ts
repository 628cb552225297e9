import type { CelObjectType, CelType } from './cel-type.ts'
import { celDyn } from './cel-type.ts'
import { unescapeFieldName } from './field-name.ts'
import { rememberListKind } from './list-kind.ts'
import { parseDuration, parseTimestamp } from './time-text.ts'
import type { CelValue } from './value.ts'
import { CelDuration, CelOpaque, CelOptional, CelStruct, CelTimestamp, CelUint } from './value.ts'

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null

/** A JSON object read as a map: every key, converted when it is read. */
class JsonMap extends CelStruct {
  private readonly raw: Json
  private readonly valueType: CelType
  constructor(raw: Json, valueType: CelType) {
    super()
    this.raw = raw
    this.valueType = valueType
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.raw, key)) return undefined
    const value = this.raw[key]
    return value === undefined ? undefined : fromJson(value, this.valueType)
  }

  override has(key: CelValue): boolean {
    return typeof key === 'string' && Object.hasOwn(this.raw, key) && this.raw[key] !== undefined
  }

  keys(): CelValue[] {
    return Object.keys(this.raw).filter(key => this.raw[key] !== undefined)
  }
}

/** A JSON object read by its schema: fields the schema does not know are not there. */
class JsonObject extends CelStruct {
  private readonly raw: Json
  private readonly type: CelObjectType
  constructor(raw: Json, type: CelObjectType) {
    super(type.name)
    this.raw = raw
    this.type = type
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string') return undefined
    const name = this.type.escaped === true ? unescapeFieldName(key) : key
    if (name === undefined || !Object.hasOwn(this.raw, name)) return undefined
    const value = this.raw[name]
    const type = this.type.fields().get(name)
    if (value === undefined || type === undefined) return undefined
    return fromJson(value, type)
  }

  keys(): CelValue[] {
    return [...this.type.fields().keys()].filter(name => Object.hasOwn(this.raw, name) && this.raw[name] !== undefined)
  }
}

const untyped = (value: unknown): CelValue => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value
    case 'number':
      // JSON integers are ints, as upstream's decoder reads them; JavaScript cannot tell 1.0 from 1.
      return Number.isSafeInteger(value) ? BigInt(value) : value
    default:
  }
  if (Array.isArray(value)) return value.map(untyped)
  return isObject(value) ? new JsonMap(value, celDyn) : null
}

const ownValues = [CelStruct, CelOpaque, CelUint, CelTimestamp, CelDuration, CelOptional]

const isCelValue = (value: unknown): value is CelValue => ownValues.some(own => value instanceof own)

const scalar = (value: unknown, name: string): CelValue => {
  switch (name) {
    case 'int':
      return typeof value === 'number' ? BigInt(Math.trunc(value)) : untyped(value)
    case 'double':
      return typeof value === 'bigint' ? Number(value) : typeof value === 'number' ? value : untyped(value)
    case 'bytes':
      return typeof value === 'string' ? Buffer.from(value, 'base64') : untyped(value)
    case 'timestamp':
      return (typeof value === 'string' ? parseTimestamp(value) : undefined) ?? untyped(value)
    case 'duration':
      return (typeof value === 'string' ? parseDuration(value) : undefined) ?? untyped(value)
    default:
      return untyped(value)
  }
}

/**
 * A JSON value as CEL sees it. Numbers become int or double by the type; without one, whole numbers are ints. Objects
 * are wrapped, not copied: what an expression does not read costs nothing.
 */
export const fromJson = (value: unknown, type: CelType): CelValue => {
  if (isCelValue(value)) return value
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'simple':
      return type.name === 'dyn' ? untyped(value) : scalar(value, type.name)
    case 'list':
      return Array.isArray(value)
        ? rememberListKind(
            value.map(item => fromJson(item, type.element)),
            type.listKind,
          )
        : untyped(value)
    case 'map':
      return isObject(value) && !Array.isArray(value) ? new JsonMap(value, type.value) : untyped(value)
    case 'object':
      return isObject(value) && !Array.isArray(value) ? new JsonObject(value, type) : untyped(value)
    default:
      return untyped(value)
  }
}
