/** What a value is, as far as patches, checks and field ownership need to know it. */
export type SchemaType = 'object' | 'map' | 'list' | 'string' | 'integer' | 'number' | 'boolean' | 'any'

export type SchemaFormat =
  | 'int32'
  | 'int64'
  | 'double'
  | 'byte'
  | 'date-time'
  | 'date-time-micro'
  | 'quantity'
  | 'int-or-string'

/** How strategic merge patch treats a field; a list merges by `patchMergeKey`, or by value where its items are scalars. */
export type PatchStrategy = 'merge' | 'replace' | 'retainKeys'

/**
 * The schema of one value. It may be recursive (JSONSchemaProps), so that whoever makes one computes `fields` on first use.
 * The facts come from the API's OpenAPI document: types, x-kubernetes-list-type, x-kubernetes-list-map-keys,
 * x-kubernetes-map-type, x-kubernetes-patch-strategy, x-kubernetes-patch-merge-key.
 */
export interface TypeSchema {
  readonly type: SchemaType
  readonly format?: SchemaFormat | undefined
  /** The OpenAPI definition an object comes from: `io.k8s.api.core.v1.PodSpec`. */
  readonly definition?: string | undefined
  /** Of an object: its fields by JSON name. */
  readonly fields?: ReadonlyMap<string, TypeSchema> | undefined
  readonly required?: readonly string[] | undefined
  /** Of a list. */
  readonly items?: TypeSchema | undefined
  /** Of a map: what each key holds. */
  readonly values?: TypeSchema | undefined
  /** Who owns what in a list; without it a list is owned as a whole. */
  readonly listKind?: 'atomic' | 'set' | 'map' | undefined
  /** Of a `map` list: the fields that identify an item, sorted by name. */
  readonly listKeys?: readonly string[] | undefined
  /** What a key field counts as when an item leaves it out: a container port's protocol is TCP. */
  readonly keyDefaults?: Readonly<Record<string, string | number | boolean>> | undefined
  /** An atomic map or object is owned as a whole. */
  readonly mapKind?: 'atomic' | 'granular' | undefined
  readonly patchStrategy?: readonly PatchStrategy[] | undefined
  readonly patchMergeKey?: string | undefined
  /** Of a root: its status is written with the rest, for it has no endpoint of its own. */
  readonly ownsStatus?: boolean | undefined
  /** Always there in upstream's Go object, be it empty: it never counts as added by anyone. */
  readonly alwaysPresent?: boolean | undefined
}

/** For what no schema is known of: objects merge field by field, lists are replaced as a whole. */
export const anySchema: TypeSchema = { type: 'any' }

/** The schema of one field of an object or one key of a map; anySchema where it is not known. */
export const fieldSchema = (schema: TypeSchema, key: string): TypeSchema =>
  schema.fields?.get(key) ?? schema.values ?? anySchema
