import { createHash } from 'node:crypto'
import { groupVersionPath, kindsByGroupVersion, subresourcesOf, verbsOf } from './endpoints.ts'
import { apiPriority, customPriority, groupPriority } from '../kinds/api-priorities.ts'
import type { Kind } from '../kinds/kind.ts'
import { compareVersions } from '../kinds/version-priority.ts'
import type { RemoteVersion } from './remote-version.ts'

/** What of a group version decides its place. */
interface Ranked {
  group: string
  version: string
  groupPriority: number
  versionPriority: number
}

/** Groups of other servers go where their priority says; without any, the order of the table stands. */
const inOrder = <T extends Ranked>(own: readonly T[], remote: readonly T[]): T[] => {
  if (remote.length === 0) return [...own]
  const highest = new Map<string, number>()
  for (const { group, groupPriority: priority } of [...own, ...remote])
    highest.set(group, Math.max(priority, highest.get(group) ?? 0))
  return [...own, ...remote].sort(
    (a, b) =>
      (highest.get(b.group) ?? 0) - (highest.get(a.group) ?? 0) ||
      (a.group === b.group
        ? b.versionPriority - a.versionPriority || compareVersions(a.version, b.version)
        : a.group < b.group
          ? -1
          : 1),
  )
}

const rankOf = ({ group, version, custom }: Kind): Ranked => ({
  group,
  version,
  groupPriority: groupPriority(group),
  versionPriority: (custom === undefined ? apiPriority(group, version) : customPriority)?.version ?? 15,
})

/** Every group but the core one, with its versions; the first is preferred. */
const groupsOf = (kinds: readonly Kind[], remotes: readonly RemoteVersion[]): Map<string, string[]> => {
  const groups = new Map<string, string[]>()
  for (const { group, version } of inOrder<Ranked>(kinds.map(rankOf), remotes)) {
    if (group === '') continue
    const versions = groups.get(group) ?? []
    if (!versions.includes(version)) versions.push(version)
    groups.set(group, versions)
  }
  return groups
}

const apiGroup = (name: string, versions: readonly string[]) => {
  const rows = versions.map(version => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: rows, preferredVersion: rows[0] }
}

/** Upstream leaves out the group and version of a subresource where they are the list's own. */
const foreign = (gvk: { group: string; version: string }, kind: Kind) =>
  gvk.group === kind.group && gvk.version === kind.version ? {} : { group: gvk.group, version: gvk.version }

/**
 * Tells clients that migrate stored objects when the version they are written in changes: the first 8 bytes of the
 * SHA-256 of that version's name (storageVersionHash of meta/v1 APIResource). What is not stored has none.
 */
const storageVersionHash = (kind: Kind): { storageVersionHash?: string } => {
  if (kind.review !== undefined || kind.orders !== undefined || kind.computed !== undefined) return {}
  const { group, version } = kind.storedAs ?? {
    group: kind.group,
    version: kind.custom?.storageVersion ?? kind.version,
  }
  const digest = createHash('sha256').update(`${group}/${version}/${kind.kind}`).digest()
  return { storageVersionHash: digest.subarray(0, 8).toString('base64') }
}

const resourcesOf = (kind: Kind) => [
  {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...storageVersionHash(kind),
  },
  ...subresourcesOf(kind).map(({ name, gvk, verbs }) => ({
    name: `${kind.plural}/${name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...foreign(gvk, kind),
    kind: gvk.kind,
    verbs,
  })),
]

const resourceList = (kinds: readonly Kind[], groupVersion: string) => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: kinds.flatMap(resourcesOf).sort((a, b) => (a.name < b.name ? -1 : 1)),
})

/** Discovery, document by document: path -> what makes it. meta/v1 APIVersions, APIGroupList, APIGroup, APIResourceList. */
export const discoveryDocuments = (
  kinds: readonly Kind[],
  remotes: readonly RemoteVersion[] = [],
): Map<string, () => object> => {
  const groups = groupsOf(kinds, remotes)
  const documents = new Map<string, () => object>([
    ['/api', () => ({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })],
    [
      '/apis',
      () => ({
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: [...groups].map(([name, versions]) => apiGroup(name, versions)),
      }),
    ],
  ])
  for (const [name, versions] of groups)
    documents.set(`/apis/${name}`, () => ({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(name, versions) }))
  for (const [groupVersion, rows] of kindsByGroupVersion(kinds)) {
    const [first] = rows
    if (first !== undefined) documents.set(groupVersionPath(first), () => resourceList(rows, groupVersion))
  }
  return documents
}

const aggregatedResource = (kind: Kind) => {
  const subresources = subresourcesOf(kind).map(({ name, gvk, verbs }) => ({
    subresource: name,
    responseKind: gvk,
    verbs,
  }))
  return {
    resource: kind.plural,
    responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  }
}

/** A version of a group in aggregated discovery, with what decides its place. */
interface AggregatedVersion extends Ranked {
  entry: { version: string; resources: readonly object[]; freshness: 'Current' | 'Stale' }
}

const ownVersions = (kinds: readonly Kind[]): AggregatedVersion[] =>
  [...kindsByGroupVersion(kinds).values()].flatMap(rows => {
    const [first] = rows
    if (first === undefined) return []
    const resources = rows.map(aggregatedResource)
    return { ...rankOf(first), entry: { version: first.version, resources, freshness: 'Current' as const } }
  })

/**
 * Everything in one document (KEP-3352): the core group at /api, all others at /apis.
 * `version` is that of apidiscovery.k8s.io: v2, or v2beta1 for clients before 1.30.
 */
export const aggregatedDiscovery = (
  { kinds, remotes = [] }: { kinds: readonly Kind[]; remotes?: readonly RemoteVersion[] },
  path: '/api' | '/apis',
  version: 'v2' | 'v2beta1',
): object => {
  const isHere = ({ group }: { group: string }): boolean => (group === '') === (path === '/api')
  const others = remotes
    .filter(isHere)
    .map(({ resources, freshness, ...rank }) => ({ ...rank, entry: { version: rank.version, resources, freshness } }))
  const items = new Map<string, AggregatedVersion['entry'][]>()
  for (const { group, entry } of inOrder<AggregatedVersion>(ownVersions(kinds.filter(isHere)), others)) {
    const versions = items.get(group) ?? []
    versions.push(entry)
    items.set(group, versions)
  }
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: [...items].map(([name, versions]) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions,
    })),
  }
}
