import { apiVersionOf } from '../../../kube/resource.ts'
import type { Kind } from '../kinds/kind.ts'

export interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

/** A subresource as discovery lists it. */
export interface SubresourceRow {
  name: string
  gvk: GroupVersionKind
  verbs: readonly string[]
  /** The OpenAPI definition it takes and gives; undefined: it is a stream or another server's answer. */
  schema: string | undefined
}

/** Upstream's answers for the subresources it knows, where they differ from the kind's own. */
const subresourceFacts: Readonly<
  Record<string, { group?: string; version?: string; kind?: string; verbs: readonly string[]; schema?: string }>
> = {
  status: { verbs: ['get', 'patch', 'update'] },
  scale: {
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    verbs: ['get', 'patch', 'update'],
    schema: 'io.k8s.api.autoscaling.v1.Scale',
  },
  approval: { verbs: ['get', 'patch', 'update'] },
  finalize: { verbs: ['update'] },
  ephemeralcontainers: { verbs: ['get', 'patch', 'update'] },
  resize: { verbs: ['get', 'patch', 'update'] },
  binding: { kind: 'Binding', verbs: ['create'], schema: 'io.k8s.api.core.v1.Binding' },
  eviction: {
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
    verbs: ['create'],
    schema: 'io.k8s.api.policy.v1.Eviction',
  },
  token: {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenRequest',
    verbs: ['create'],
    schema: 'io.k8s.api.authentication.v1.TokenRequest',
  },
  log: { verbs: ['get'] },
  exec: { kind: 'PodExecOptions', verbs: ['create', 'get'] },
  attach: { kind: 'PodAttachOptions', verbs: ['create', 'get'] },
  portforward: { kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
  proxy: { verbs: ['create', 'delete', 'get', 'patch', 'update'] },
}

/** Subresources whose body is the kind itself. */
const ownBody: ReadonlySet<string> = new Set(['status', 'approval', 'finalize', 'ephemeralcontainers', 'resize'])

/** Every subresource a kind serves, sorted by name. */
export const subresourcesOf = (kind: Kind): SubresourceRow[] => {
  const names = new Set([
    ...kind.subresources,
    ...(kind.hasStatus ? ['status'] : []),
    ...(kind.scale === undefined ? [] : ['scale']),
  ])
  return [...names].sort().map(name => {
    const { group = kind.group, version = kind.version, ...facts } = subresourceFacts[name] ?? { verbs: ['get'] }
    const proxyKind = name === 'proxy' ? `${kind.kind}ProxyOptions` : kind.kind
    return {
      name,
      gvk: { group, version, kind: facts.kind ?? proxyKind },
      verbs: facts.verbs,
      schema: facts.schema ?? (ownBody.has(name) ? kind.schema : undefined),
    }
  })
}

/** What may be done with a kind. A namespace is emptied one by one: upstream serves no deletecollection for it. */
export const verbsOf = (kind: Kind): readonly string[] =>
  kind.review !== undefined || kind.orders !== undefined
    ? ['create']
    : kind.computed !== undefined
      ? ['get', 'list']
      : [
          'create',
          'delete',
          ...(kind.group === '' && kind.plural === 'namespaces' ? [] : ['deletecollection']),
          'get',
          'list',
          'patch',
          'update',
          'watch',
        ]

/** Kinds by `v1`, `apps/v1`, … in the order of the table. */
export const kindsByGroupVersion = (kinds: readonly Kind[]): Map<string, Kind[]> => {
  const result = new Map<string, Kind[]>()
  for (const kind of kinds) {
    const key = apiVersionOf(kind)
    const row = result.get(key)
    if (row === undefined) result.set(key, [kind])
    else row.push(kind)
  }
  return result
}

/** `/api/v1` or `/apis/apps/v1`. */
export const groupVersionPath = ({ group, version }: { group: string; version: string }): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`
