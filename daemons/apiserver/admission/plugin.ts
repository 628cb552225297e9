import type { UnknownObject } from '../../../kube/object.ts'
import type { UserInfo } from '../auth/user-info.ts'
import type { Kind } from '../kinds/kind.ts'

export interface AdmissionRequest {
  operation: 'create' | 'update' | 'delete'
  kind: Kind
  subresource: string
  namespace: string
  name: string
  user: UserInfo
  /** The object about to be written, defaulted; plugins may change it in place. Undefined on delete. */
  object: UnknownObject | undefined
  old: UnknownObject | undefined
  dryRun: boolean
}

/** Reads stored objects while a request is being admitted. */
export interface AdmissionReader {
  get(group: string, plural: string, namespace: string, name: string): UnknownObject | undefined
  list(group: string, plural: string, namespace?: string): UnknownObject[]
}

/** One admission step. Runs after defaulting and before validation, in the order of the list. Refuses by throwing an ApiError. */
export interface AdmissionPlugin {
  readonly name: string
  admit(request: AdmissionRequest, reader: AdmissionReader): void | Promise<void>
  /** Told the outcome of each request it admitted, so that allocations can be kept or given back. */
  finish?(request: AdmissionRequest, committed: boolean): void
}
