import type { UnknownObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { type APIService, apiServiceKind } from '../kinds/api-service.ts'
import { type Draft, draftOf } from '../kinds/draft.ts'

/** `onstart`: a group that the server has built in; `true`: one that a CustomResourceDefinition brought. */
export const automanagedLabel = 'kube-aggregator.kubernetes.io/automanaged'

export const apiServicesPrefix = '/registry/apiregistration.k8s.io/apiservices/'

export const apiServices: Resource<UnknownObject> = {
  group: apiServiceKind.group,
  version: apiServiceKind.version,
  kind: apiServiceKind.kind,
  plural: apiServiceKind.plural,
  namespaced: false,
}

/** A group version that another server serves, as its APIService says. */
export interface RemoteApi {
  /** Of the APIService: `v1beta1.metrics.k8s.io`. */
  name: string
  group: string
  version: string
  groupPriority: number
  versionPriority: number
  service: { namespace: string; name: string; port: number }
  /** PEM; '': the authorities of the host. */
  ca: string
  insecure: boolean
}

export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  lastTransitionTime: string
}

/** `group/version`, as requests name it. */
export const apiKey = ({ group, version }: { group: string; version: string }): string => `${group}/${version}`

/** Undefined where this server serves the group version itself. */
export const remoteApiOf = (object: UnknownObject): RemoteApi | undefined => {
  const { metadata, spec = {} } = draftOf<APIService>(object)
  if (!spec.service) return undefined
  const { namespace = '', name = '', port = 443 } = spec.service
  return {
    name: metadata?.name ?? '',
    group: spec.group ?? '',
    version: spec.version ?? '',
    groupPriority: spec.groupPriorityMinimum ?? 0,
    versionPriority: spec.versionPriority ?? 0,
    service: { namespace, name, port },
    ca: spec.caBundle ? Buffer.from(spec.caBundle, 'base64').toString() : '',
    insecure: spec.insecureSkipTLSVerify === true,
  }
}

export const availableOf = (object: UnknownObject): Draft<Condition> | undefined =>
  draftOf<APIService>(object).status?.conditions?.find(({ type }) => type === 'Available') as Draft<Condition>
