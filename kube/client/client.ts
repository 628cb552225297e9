import type { KubeObject, ObjectList, WatchEvent } from '../object.ts'
import type { Resource } from '../resource.ts'

export interface ReadOptions {
  namespace?: string
  resourceVersion?: string
  signal?: AbortSignal
}

export interface ListOptions extends ReadOptions {
  /** `a=b,c in (d,e),!f` */
  labelSelector?: string
  /** `metadata.name=x,spec.nodeName=y` */
  fieldSelector?: string
  limit?: number
  continue?: string
}

export interface WatchOptions {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  resourceVersion?: string
  allowWatchBookmarks?: boolean
  timeoutSeconds?: number
  /** Ends the watch; required, so that no watch outlives its owner. */
  signal: AbortSignal
}

export interface WriteOptions {
  /** Defaults to the object's own metadata.namespace. */
  namespace?: string
  /** Needed when the body has no name of its own: `binding`, `eviction`, `scale`. */
  name?: string
  /** `status`, `scale`, `binding`, `eviction`, … */
  subresource?: string
  fieldManager?: string
  dryRun?: boolean
  signal?: AbortSignal
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

export interface PatchOptions extends WriteOptions {
  type: PatchType
  /** For `apply`: take over fields that other managers own. */
  force?: boolean
}

export interface DeleteOptions {
  namespace?: string
  gracePeriodSeconds?: number
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  preconditions?: { uid?: string; resourceVersion?: string }
  signal?: AbortSignal
}

/**
 * The Kubernetes API as every daemon sees it: over HTTP (kube/client/http-client.ts) or straight to the API server in
 * the same process (daemons/apiserver/in-process-client.ts). Failures are `ApiError` (kube/status.ts); when the server
 * cannot be reached, `SkiffError` with code UNAVAILABLE. What is returned belongs to the API's cache and is read-only:
 * copy it before you change it (`structuredClone`).
 */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, name: string, options?: ReadOptions): Promise<T>
  /** Without a namespace, all of them. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>
  /**
   * Ends normally when the server's timeout passes or the signal aborts; throws ApiError with reason `Expired` when
   * the resourceVersion was compacted (list again), and UNAVAILABLE when the connection breaks.
   */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>
  /** Conflict when metadata.resourceVersion is set and not the stored one. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>
  patch<T extends KubeObject>(resource: Resource<T>, name: string, patch: unknown, options: PatchOptions): Promise<T>
  /** The object as it stands after the call: gone, or with its deletionTimestamp set. */
  delete<T extends KubeObject>(resource: Resource<T>, name: string, options?: DeleteOptions): Promise<void>
}
