import { CelError } from './cel-error.ts'
import type { CelValue } from './value.ts'
import { CelOptional, CelStruct, CelUint, isList, typeNameOf } from './value.ts'

/** What is under a key: undefined where there is nothing. Throws for what has no keys at all. */
const lookUp = (target: CelValue, key: CelValue): CelValue | undefined => {
  if (target instanceof CelStruct) return target.get(key)
  if (!isList(target)) throw new CelError('runtime', `no such overload: ${typeNameOf(target)}`)
  const index = key instanceof CelUint ? key.value : key
  const at = typeof index === 'bigint' ? Number(index) : index
  if (typeof at !== 'number' || !Number.isInteger(at))
    throw new CelError('runtime', `unsupported index type '${typeNameOf(key)}' in list`)
  return target[at]
}

const missing = (target: CelValue, key: CelValue): CelError => {
  const shown = key instanceof CelUint ? key.value : typeof key === 'object' ? typeNameOf(key) : key
  return new CelError('runtime', isList(target) ? `index out of bounds: ${shown}` : `no such key: ${shown}`)
}

/** The value under a key or index. Throws CelError where there is none. */
export const access = (target: CelValue, key: CelValue): CelValue => {
  if (target instanceof CelOptional) return optionalAccess(target, key)
  const value = lookUp(target, key)
  if (value === undefined) throw missing(target, key)
  return value
}

/** The same, empty where there is none; keys of what is empty are empty too. */
export const optionalAccess = (target: CelValue, key: CelValue): CelOptional => {
  const held = target instanceof CelOptional ? target.value : target
  if (held === undefined) return CelOptional.none
  const value = lookUp(held, key)
  return value === undefined ? CelOptional.none : new CelOptional(value)
}
