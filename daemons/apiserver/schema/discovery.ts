import { groupVersionPath, kindsByGroupVersion, subresourcesOf, verbsOf } from './endpoints.ts'
import type { Kind } from '../kinds/kind.ts'

/** Every group but the core one, with its versions in the order of the table; the first is preferred. */
const groupsOf = (kinds: readonly Kind[]): Map<string, string[]> => {
  const groups = new Map<string, string[]>()
  for (const { group, version } of kinds) {
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

const resourcesOf = (kind: Kind) => [
  {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
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
export const discoveryDocuments = (kinds: readonly Kind[]): Map<string, () => object> => {
  const groups = groupsOf(kinds)
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

/**
 * Everything in one document (KEP-3352): the core group at /api, all others at /apis.
 * `version` is that of apidiscovery.k8s.io: v2, or v2beta1 for clients before 1.30.
 */
export const aggregatedDiscovery = (
  kinds: readonly Kind[],
  path: '/api' | '/apis',
  version: 'v2' | 'v2beta1',
): object => {
  const wanted = kinds.filter(kind => (kind.group === '') === (path === '/api'))
  const items = new Map<string, { version: string; resources: object[]; freshness: 'Current' }[]>()
  for (const rows of kindsByGroupVersion(wanted).values()) {
    const [first] = rows
    if (first === undefined) continue
    const versions = items.get(first.group) ?? []
    versions.push({ version: first.version, resources: rows.map(aggregatedResource), freshness: 'Current' })
    items.set(first.group, versions)
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
