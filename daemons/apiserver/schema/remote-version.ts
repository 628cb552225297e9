import type { JsonObject } from '../../../kube/patch/json-value.ts'

/** A group version that another server serves, as far as it has said what it is. */
export interface RemoteVersion {
  readonly group: string
  readonly version: string
  /** Larger ones come first in discovery. */
  readonly groupPriority: number
  readonly versionPriority: number
  /** As apidiscovery.k8s.io has them. */
  readonly resources: readonly JsonObject[]
  /** `Stale`: it does not answer now, and this is what it last said. */
  readonly freshness: 'Current' | 'Stale'
  /** Its whole document; only the paths of the group are taken from it. */
  readonly openApiV2?: JsonObject
  /** Of the group version alone. */
  readonly openApiV3?: { readonly hash: string; readonly body: Buffer }
}
