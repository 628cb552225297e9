import type { UnknownObject } from '../../../kube/object.ts'
import type { JsonObject } from '../../../kube/patch/json-value.ts'
import type { GroupVersionKind } from '../../../kube/resource.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { UserInfo } from '../auth/user-info.ts'
import type { Kind } from '../kinds/kind.ts'
import type { KindTable } from '../kinds/kind-table.ts'
import type { Store } from '../store/store.ts'

/** `connect`: a stream (exec, attach, portforward, proxy) is opened; its object is the stream's options. */
export type AdmissionOperation = 'create' | 'update' | 'delete' | 'connect'

/** The second and last round of the mutating plugins, which follows where a webhook has changed the object. */
export interface Reinvocation {
  round: 1 | 2
  /** A second round is due. */
  due: boolean
  /** Webhooks that are to see the object again once somebody changes it after them. */
  seen: Set<string>
  /** Webhooks that somebody has changed the object after. */
  owed: Set<string>
  /** The object as the webhooks left it. */
  output: UnknownObject | undefined
}

export interface AdmissionRequest {
  operation: AdmissionOperation
  /** The row of the resource in the URL. */
  kind: Kind
  /** What `object` is, where that is not the row's kind: `autoscaling/v1 Scale`, `v1 PodExecOptions`. */
  objectKind?: GroupVersionKind | undefined
  subresource: string
  namespace: string
  name: string
  user: UserInfo
  /**
   * The object about to be written, defaulted; mutating steps may change it in place or put another in its place.
   * Undefined on delete.
   */
  object: UnknownObject | undefined
  old: UnknownObject | undefined
  dryRun: boolean
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions as they were asked for; made only when somebody looks. */
  options(): JsonObject
  /** What webhooks have changed, and who is to be asked again because of it. Made by the first that changes something. */
  reinvocation?: Reinvocation
  /** Becomes a Warning header of the answer. */
  warn(text: string): void
  /** Goes into the audit record of the request: `podsecurity.../enforce-policy`, `baseline:latest`. */
  annotate(key: string, value: string): void
}

/** Reads stored objects while a request is being admitted. */
export interface AdmissionReader {
  get(group: string, plural: string, namespace: string, name: string): UnknownObject | undefined
  list(group: string, plural: string, namespace?: string): UnknownObject[]
}

/** What a plugin works with besides the request: given to it once, before the first. */
export interface AdmissionHost {
  authorizer: Authorizer
  store: Store
  kinds: KindTable
  reader: AdmissionReader
}

/** What a plugin may know of a request before it is run. */
export type AdmissionRoute = Pick<AdmissionRequest, 'operation' | 'kind' | 'subresource'>

/**
 * One admission plugin, in one phase or both. Refuses by throwing an ApiError. What returns no promise costs a request
 * no turn of the event loop.
 */
export interface AdmissionPlugin {
  readonly name: string
  /** Whether requests of this route concern it at all; asked once for each route. Without it: all do. */
  handles?(route: AdmissionRoute): boolean
  attach?(host: AdmissionHost): void
  /** After defaulting, before validation: may change the object. Run again where a webhook changed it. */
  admit?(request: AdmissionRequest, reader: AdmissionReader): void | Promise<void>
  /** After the last change, once: takes what the object needs of what there is only so much of. */
  allocate?(request: AdmissionRequest, reader: AdmissionReader): void | Promise<void>
  /** After validation: the object is what will be stored, and is not to be changed. */
  validate?(request: AdmissionRequest, reader: AdmissionReader): void | Promise<void>
  /** Told the outcome of each request it let pass, so that allocations can be kept or given back. */
  finish?(request: AdmissionRequest, committed: boolean): void
}
