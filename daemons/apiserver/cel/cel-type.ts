/** The types that have no parameters, by the names CEL gives them in messages. */
export type SimpleName =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'dyn'
  | '!error!'

/** How equality and `+` treat a list of a custom resource (x-kubernetes-list-type). */
export type ListKind =
  | { readonly kind: 'atomic' }
  | { readonly kind: 'set' }
  | { readonly kind: 'map'; readonly keys: readonly string[] }

export type CelType =
  | { readonly kind: 'simple'; readonly name: SimpleName }
  | { readonly kind: 'list'; readonly element: CelType; readonly listKind?: ListKind | undefined }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'optional'; readonly value: CelType }
  | { readonly kind: 'type'; readonly of: CelType }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'opaque'; readonly name: string }
  | CelObjectType

/**
 * An object whose fields are known: one that is not known is an error when the expression is compiled. `fields` are by
 * JSON name; it is a function so that recursive schemas can be described.
 */
export interface CelObjectType {
  readonly kind: 'object'
  readonly name: string
  readonly fields: () => ReadonlyMap<string, CelType>
  /** Names are escaped in expressions (`__namespace__`, `a__dash__b`), as in rules of custom resources. */
  readonly escaped?: boolean | undefined
}

const simple = (name: SimpleName): CelType => ({ kind: 'simple', name })

export const celBool = simple('bool')
export const celInt = simple('int')
export const celDouble = simple('double')
export const celString = simple('string')
export const celBytes = simple('bytes')
export const celTimestamp = simple('timestamp')
export const celDuration = simple('duration')
/** Checked when the expression runs: JSON whose schema is not known. */
export const celDyn = simple('dyn')
/** What an expression that has been complained about has: it leads to no further complaint. */
export const celErrorType = simple('!error!')

export const listType = (element: CelType, listKind?: ListKind): CelType =>
  listKind === undefined ? { kind: 'list', element } : { kind: 'list', element, listKind }
export const mapType = (key: CelType, value: CelType): CelType => ({ kind: 'map', key, value })
export const optionalType = (value: CelType): CelType => ({ kind: 'optional', value })
export const opaqueType = (name: string): CelType => ({ kind: 'opaque', name })

/** An object type from fields by JSON name; `escaped` for custom resources, whose rules escape names. */
export const objectType = (
  name: string,
  fields: ReadonlyMap<string, CelType> | (() => ReadonlyMap<string, CelType>),
  options: { escaped?: boolean } = {},
): CelObjectType => ({
  kind: 'object',
  name,
  fields: typeof fields === 'function' ? fields : () => fields,
  escaped: options.escaped,
})

export const isDyn = (type: CelType): boolean =>
  type.kind === 'simple' && (type.name === 'dyn' || type.name === '!error!')

/** As messages spell a type: `list(string)`, `map(string, int)`, `optional_type(int)`. */
export const formatType = (type: CelType): string => {
  switch (type.kind) {
    case 'simple':
    case 'param':
    case 'opaque':
    case 'object':
      return type.name
    case 'list':
      return `list(${formatType(type.element)})`
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`
    case 'optional':
      return `optional_type(${formatType(type.value)})`
    case 'type':
      return `type(${formatType(type.of)})`
  }
}
