import type { CelType } from './cel-type.ts'
import { celDyn, isDyn, listType, mapType, optionalType } from './cel-type.ts'

/** What the type parameters of a signature stand for in one call. */
export type Bindings = Map<string, CelType>

const isNull = (type: CelType): boolean => type.kind === 'simple' && type.name === 'null'

/** Objects and times may be null; texts and numbers may not. */
const takesNull = (type: CelType): boolean =>
  type.kind === 'object' ||
  type.kind === 'opaque' ||
  (type.kind === 'simple' && /^(?:timestamp|duration)$/.test(type.name))

/** Replaces type parameters by what they stand for; those that stand for nothing yet become dyn. */
export const substitute = (type: CelType, bindings: Bindings): CelType => {
  switch (type.kind) {
    case 'param':
      return bindings.get(type.name) ?? celDyn
    case 'list':
      return listType(substitute(type.element, bindings), type.listKind)
    case 'map':
      return mapType(substitute(type.key, bindings), substitute(type.value, bindings))
    case 'optional':
      return optionalType(substitute(type.value, bindings))
    default:
      return type
  }
}

const bind = (bindings: Bindings, name: string, actual: CelType): boolean => {
  const bound = bindings.get(name)
  if (bound === undefined) {
    bindings.set(name, actual)
    return true
  }
  if (isDyn(bound) || isDyn(actual)) {
    bindings.set(name, celDyn)
    return true
  }
  if (isAssignable(bindings, bound, actual)) return true
  // `null == object` binds the other way round.
  if (!isAssignable(bindings, actual, bound)) return false
  bindings.set(name, actual)
  return true
}

/** Whether a value of type `actual` may stand where `declared` is asked for. Fills in `bindings`. */
export const isAssignable = (bindings: Bindings, declared: CelType, actual: CelType): boolean => {
  // An empty list's items are of a type nobody has said yet.
  if (actual.kind === 'param') return true
  if (declared.kind === 'param') return bind(bindings, declared.name, actual)
  if (isDyn(declared) || isDyn(actual)) return true
  if (isNull(actual) && takesNull(declared)) return true
  switch (declared.kind) {
    case 'simple':
      return actual.kind === 'simple' && actual.name === declared.name
    case 'object':
    case 'opaque':
      return actual.kind === declared.kind && actual.name === declared.name
    case 'list':
      return actual.kind === 'list' && isAssignable(bindings, declared.element, actual.element)
    case 'map':
      return (
        actual.kind === 'map' &&
        isAssignable(bindings, declared.key, actual.key) &&
        isAssignable(bindings, declared.value, actual.value)
      )
    case 'optional':
      return actual.kind === 'optional' && isAssignable(bindings, declared.value, actual.value)
    case 'type':
      return actual.kind === 'type'
  }
}

/** The type of a choice between two: the one both fit, else undefined. */
export const joinTypes = (a: CelType, b: CelType): CelType | undefined => {
  if (isAssignable(new Map(), a, b)) return isDyn(b) ? b : a.kind === 'param' ? b : a
  return isAssignable(new Map(), b, a) ? b : undefined
}
