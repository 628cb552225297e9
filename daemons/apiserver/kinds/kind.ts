import type { StatusCause } from '../../../kube/status.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { TokenAuthenticator } from '../auth/tokens/token-authenticator.ts'
import type { UserInfo } from '../auth/user-info.ts'
import type { CustomType } from './custom-type.ts'

/** One failed rule: upstream's reason, the field's path and the text that follows it. */
export interface FieldError extends StatusCause {
  reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound'
    | 'FieldValueTypeInvalid'
  /** `spec.containers[0].image` */
  field: string
  /** `Required value`, `Invalid value: "x": must be …` (without the field in front). */
  message: string
}

/** One printer column of `kubectl get`. */
export interface Column {
  name: string
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  format?: string
  description: string
  /** 0: always shown; 1: with -o wide. */
  priority: number
  /** The cell; `nowMs` is for ages. */
  cell(object: UnknownObject, nowMs: number): string | number | boolean | null
}

/** One number or name that only one object of the cluster may hold, and what is stored for it beside the object. */
export interface Claim {
  /** Of the store. */
  key: string
  record(now: string): UnknownObject
}

/** Where `scale` reads and writes in the object, and the label selector string it reports. */
export interface ScaleRow {
  replicas(object: UnknownObject): number
  setReplicas(object: UnknownObject, replicas: number): void
  statusReplicas(object: UnknownObject): number
  selector(object: UnknownObject): string
}

/** Who asks a review, and whom it may ask. */
export interface ReviewContext {
  user: UserInfo
  authorizer: Authorizer
  tokens: TokenAuthenticator
}

/** What the preparation of a new object may know besides the object. */
export interface StrategyContext {
  /** Who makes it. */
  user: UserInfo
}

/**
 * A subresource that gives the whole object and changes a part of it: `pods/ephemeralcontainers`, `pods/resize`. Name
 * it among `subresources` too.
 */
export interface PartRow {
  /** The live object with what this endpoint may change taken from `wanted`; neither is changed. */
  take(wanted: UnknownObject, live: UnknownObject): UnknownObject
  /** Everything that must hold between the two. */
  validate(object: UnknownObject, old: UnknownObject): FieldError[]
}

/**
 * A kind is this row: adding one is writing another. Everything generic (CRUD, watch, patch, discovery, OpenAPI,
 * tables) is driven by it. Functions are pure and may change the object they are given where they say so.
 */
export interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  /** `all` makes `kubectl get all` show it. */
  readonly categories: readonly string[]
  readonly namespaced: boolean
  /** Of a list of them; the kind with `List` where it is not said. */
  readonly listKind?: string
  /** The OpenAPI definition: `io.k8s.api.core.v1.Pod`. */
  readonly schema: string
  /** What stands in for the tables made at build time, where a CustomResourceDefinition brought the kind. */
  readonly custom?: CustomType
  /** Its finalizers need no domain in front: upstream asks that of its own kinds alone. */
  readonly anyFinalizers?: true
  /** False: a PUT must name the resourceVersion it is based on. */
  readonly unconditionalUpdate?: false
  /** A second group-version of the same stored objects (events.k8s.io): names the row that stores them. */
  readonly storedAs?: {
    group: string
    version: string
    plural: string
    toStored(o: UnknownObject): UnknownObject
    fromStored(o: UnknownObject): UnknownObject
  }
  /** Has a status subresource: then main writes change no status, and status writes nothing else but, in older groups, metadata. */
  readonly hasStatus: boolean
  readonly scale?: ScaleRow
  /** Names of the other subresources it serves: `log`, `exec`, `binding`, `eviction`, … (carried out in rest/subresources/). */
  readonly subresources: readonly string[]
  /** Those of `subresources` that read and write the object itself; `status` where it has rules of its own. */
  readonly parts?: Readonly<Record<string, PartRow>>
  /** Top-level fields whose change raises metadata.generation; none: generation is not kept. Usually ['spec']. */
  readonly generationFields: readonly string[]
  /** Grace period a delete gets when the caller names none, in seconds; undefined: deleted at once. (Pods: spec's, or 30.) */
  gracePeriodSeconds?(object: UnknownObject): number | undefined
  /** Loads what the rules of this object need and most clusters never do; undefined: nothing. Before admission. */
  load?(object: UnknownObject): Promise<void> | undefined
  /**
   * What becomes of an object's dependents where neither its delete nor its finalizers say so: left out, they go too.
   * Unsupported: it has none, and nobody's policy puts a finalizer on it.
   */
  readonly garbageCollection?: 'OrphanDependents' | 'Unsupported'
  /** The Warning to whoever deletes one and does not say what becomes of its dependents. */
  readonly deletionWarning?: string
  /** Changes in place an object that is about to be marked for deletion: a finalizer of its own. `now`: an API time. */
  prepareForDelete?(object: UnknownObject, now: string): void
  /** Fills defaults in place, on every create, update and patch, before validation. */
  setDefaults?(object: UnknownObject): void
  /** Changes a new object in place before validation: clears status, sets phase Pending, … */
  prepareForCreate?(object: UnknownObject, context?: StrategyContext): void
  /** Changes `object` in place with respect to `old`: keeps what must not change silently. */
  prepareForUpdate?(object: UnknownObject, old: UnknownObject): void
  /** The same for a write to status; `now` is a timestamp. */
  prepareForStatus?(object: UnknownObject, old: UnknownObject, now: string): void
  validate?(object: UnknownObject): FieldError[]
  /** Rules of a new object alone. Run besides `validate`. */
  validateCreate?(object: UnknownObject): FieldError[]
  /** Rules between old and new: immutability. Run besides `validate`. */
  validateUpdate?(object: UnknownObject, old: UnknownObject, subresource: string): FieldError[]
  /** What a valid write should be told of, as Warning headers; `old` is undefined for a new object. */
  warnings?(object: UnknownObject, old: UnknownObject | undefined): string[]
  /** The Warning that every request for the kind gets. */
  readonly deprecation?: string
  /** Fields a field selector may name, besides metadata.name and metadata.namespace: `spec.nodeName` -> getter. */
  readonly selectableFields?: Readonly<Record<string, (object: UnknownObject) => string>>
  readonly columns: readonly Column[]
  /** Of a kind that is a question and is not stored: it can only be created, and this gives the answer. */
  review?(object: UnknownObject, context: ReviewContext): UnknownObject
  /**
   * Of a kind that is not stored but looked up: it can only be read, and this gives all there are. `readStore` rejects
   * where the store cannot be read.
   */
  computed?(readStore: () => Promise<void>): Promise<UnknownObject[]>
  /** Of a kind that is an order and is not stored: creating one carries out this subresource of the pod it names. */
  readonly orders?: 'binding'
  /** What an object holds that no other may: its records are written and removed in the object's own transaction. */
  claims?(object: UnknownObject): readonly Claim[]
  /** Metadata-name rule: DNS subdomain unless it says otherwise. */
  readonly nameRule?: 'dns-subdomain' | 'dns-label' | 'dns-1035-label' | 'path-segment' | 'ip-address'
}

/** Unique key of a kind's row: `apps/v1/deployments`, `/v1/pods`. */
export const kindKey = (kind: { group: string; version: string; plural: string }): string =>
  `${kind.group}/${kind.version}/${kind.plural}`
