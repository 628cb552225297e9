import type { UnknownObject } from '../../../kube/object.ts'
import type { TypeSchema } from '../../../kube/patch/schema.ts'
import type { OpenApiSchema } from '../schema/openapi-definitions.ts'
import type { DefinitionTexts } from '../schema/schema-row.ts'
import type { StoredEntry } from '../store/stored-entry.ts'

export interface Decoded {
  /** `unknown field "spec.foo"`: what was dropped. */
  findings: readonly string[]
  /** Why it is no object of the kind at all. */
  wrong?: string
}

/** A definition of an OpenAPI document, and the names of those that it refers to. */
export interface CustomDefinition {
  schema: OpenApiSchema
  refers: readonly string[]
}

/** What a kind that came while the server runs brings along: for built-in kinds tables made at build time say it. */
export interface CustomType {
  readonly typeSchema: TypeSchema
  /** Makes a request's object one of the kind, in place: fields that the schema does not know are dropped. */
  decode(object: UnknownObject): Decoded
  /** Whether a write changes what metadata.generation counts. */
  raisesGeneration(next: UnknownObject, live: UnknownObject): boolean
  /** The version that its objects are written to the store in. */
  readonly storageVersion: string
  /** True: a webhook converts, so that `fromStored` and `toStored` may give promises. */
  readonly convertsRemotely: boolean
  /** Stored objects, of whatever version, as this version shows them: converted, pruned and defaulted. Rejects with ApiError. */
  fromStored(entries: readonly StoredEntry[]): readonly StoredEntry[] | Promise<readonly StoredEntry[]>
  /** An object of this version as the storage version keeps it. Rejects with ApiError. */
  toStored(object: UnknownObject): UnknownObject | Promise<UnknownObject>
  /** The definitions that only this kind has, by name. `textsOf`: the documentation of built-in definitions. */
  definitions(
    dialect: 'v2' | 'v3',
    textsOf: (definition: string) => DefinitionTexts,
  ): Readonly<Record<string, CustomDefinition>>
}
