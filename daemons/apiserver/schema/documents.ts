import { createHash } from 'node:crypto'
import { aggregatedDiscovery, discoveryDocuments } from './discovery.ts'
import { groupVersionPath, kindsByGroupVersion } from './endpoints.ts'
import { acceptClauses, type Clause, clauseMatches } from '../rest/accept-clauses.ts'
import { contentTypes, notAcceptable, type Representation } from '../rest/negotiate.ts'
import { encodeOpenApiV2 } from './gnostic.ts'
import { encodeOpenApiV3 } from './gnostic-v3.ts'
import { openApiV2 } from './openapi-v2.ts'
import { openApiV3 } from './openapi-v3.ts'
import type { JsonObject } from '../../../kube/patch/json-value.ts'
import type { Kind } from '../kinds/kind.ts'
import { mergeOpenApiV2 } from './merge-openapi.ts'
import type { RemoteVersion } from './remote-version.ts'

/** `/version`, as version.Info goes over the wire. */
export interface VersionInfo {
  major: string
  minor: string
  gitVersion: string
  gitCommit: string
  gitTreeState: string
  buildDate: string
  goVersion: string
  compiler: string
  platform: string
}

export interface DocumentReply {
  status: 200 | 301 | 406
  contentType: string
  body: Buffer
  /** The form that is wanted of a body that is JSON; left out where it is as it is to be sent. */
  media?: Representation['media']
  /** With its quotes. The caller compares it with If-None-Match and answers 304. */
  etag?: string
  lastModifiedMs?: number
  cacheControl?: string
  /** The path carries the document's hash, so that clients may keep the answer for so long. */
  maxAgeSeconds?: number
  /** Of a 301: the path that carries the hash of today. */
  location?: string
}

export type Documents = (path: string, accept: string, query: URLSearchParams) => DocumentReply | undefined

interface Source {
  contentType: string
  build(): Buffer
}

interface Built {
  body: Buffer
  hash: string
  madeMs: number
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))
const jsonSource = (build: () => object): Source => ({ contentType: 'application/json', build: () => json(build()) })

const protobufTypes = (version: 'v2' | 'v3') => ({
  current: `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`,
  old: `application/com.github.proto-openapi.spec.${version}@v1.0+protobuf`,
})
const v2Protobuf = protobufTypes('v2')
const v3Protobuf = protobufTypes('v3')

const clausesOf = (accept: string): Clause[] => acceptClauses(accept === '' ? '*/*' : accept)

/** The first that the client takes; undefined where it takes none of them. */
const chosenType = (accept: string, types: readonly string[]): string | undefined => {
  for (const clause of clausesOf(accept)) {
    const type = types.find(candidate => clauseMatches(clause, candidate))
    if (type !== undefined) return type
  }
  return undefined
}

const noneAccepted: DocumentReply = { status: 406, contentType: 'text/plain; charset=utf-8', body: Buffer.alloc(0) }

type Form = 'v2' | 'v2beta1' | 'plain'

const formOf = ({ parameters }: Clause): Form | undefined => {
  const [as, group, version] = ['as', 'g', 'v'].map(name => parameters.get(name))
  if (as === undefined && group === undefined && version === undefined) return 'plain'
  if (as !== 'APIGroupDiscoveryList' || group !== 'apidiscovery.k8s.io') return undefined
  return version === 'v2' || version === 'v2beta1' ? version : undefined
}

/** Which form of discovery the client wants most, and in what. `whole`: the path has the aggregated forms too. */
const discoveryForm = (accept: string, whole: boolean): { form: Form; media: Representation['media'] } | undefined => {
  for (const clause of clausesOf(accept)) {
    const form = formOf(clause)
    if (form === undefined || (form !== 'plain' && !whole)) continue
    for (const media of ['json', 'yaml', 'protobuf'] as const)
      if (clauseMatches(clause, contentTypes[media]) && !(media === 'protobuf' && form === 'v2beta1'))
        return { form, media }
  }
  return undefined
}

/**
 * Bytes are made on first request and held weakly: they are megabytes that a cluster at rest does not need, and are
 * made again in some milliseconds. Their hashes stay, since the index of OpenAPI v3 names them.
 */
const makeCache = (): ((key: string, source: Source) => Built) => {
  const cache = new Map<string, { body: WeakRef<Buffer>; hash: string; madeMs: number }>()
  return (key, source) => {
    const old = cache.get(key)
    const kept = old?.body.deref()
    if (old !== undefined && kept !== undefined) return { ...old, body: kept }
    const body = source.build()
    const hash = old?.hash ?? createHash('sha512').update(body).digest('hex').toUpperCase()
    const madeMs = old?.madeMs ?? Date.now()
    cache.set(key, { body: new WeakRef(body), hash, madeMs })
    return { body, hash, madeMs }
  }
}

type Cache = ReturnType<typeof makeCache>

/** What is known of the group version documents of OpenAPI v3: they change only with their own kinds. */
type GroupCaches = Map<string, { rows: readonly Kind[]; cached: Cache }>

const sameRows = (a: readonly object[], b: readonly object[]): boolean =>
  a.length === b.length && a.every((row, index) => row === b[index])

/**
 * Discovery (/api, /apis, each group and group version, plain and aggregated) and OpenAPI (/openapi/v2 as JSON and as
 * protobuf, /openapi/v3 and its group versions) for the kinds that `served` names: another array whenever they change,
 * and then the documents are made anew, each when somebody asks for it. Undefined for any other path.
 */
export const makeDocuments = (
  served: () => readonly Kind[],
  version: VersionInfo,
  servedElsewhere: () => readonly RemoteVersion[] = () => none,
): Documents => {
  const groups: GroupCaches = new Map()
  let current: { kinds: readonly Kind[]; remotes: readonly RemoteVersion[]; documents: Documents } | undefined
  return (path, accept, query) => {
    const [kinds, remotes] = [served(), servedElsewhere()]
    if (current?.kinds !== kinds || !sameRows(current.remotes, remotes))
      current = {
        kinds,
        remotes,
        documents: documentsOf({ kinds: hereOnly(kinds, remotes), remotes }, version, groups),
      }
    return current.documents(path, accept, query)
  }
}

const none: readonly RemoteVersion[] = []

/** Without the kinds of group versions that were handed to another server. */
const hereOnly = (kinds: readonly Kind[], remotes: readonly RemoteVersion[]): readonly Kind[] =>
  remotes.length === 0
    ? kinds
    : kinds.filter(kind => !remotes.some(({ group, version }) => group === kind.group && version === kind.version))

const documentsOf = (
  served: { kinds: readonly Kind[]; remotes: readonly RemoteVersion[] },
  version: VersionInfo,
  groups: GroupCaches,
): Documents => {
  const { kinds, remotes } = served
  const cached = makeCache()
  const discovery = new Map([...discoveryDocuments(kinds, remotes)].map(([path, build]) => [path, jsonSource(build)]))
  const v3 = new Map<string, { document(): Built; protobuf(): Built }>()
  for (const rows of kindsByGroupVersion(kinds).values()) {
    const [first] = rows
    if (first === undefined) continue
    const path = `/openapi/v3${groupVersionPath(first)}`
    const known = groups.get(path)
    const group = known !== undefined && sameRows(known.rows, rows) ? known : { rows, cached: makeCache() }
    groups.set(path, group)
    const document = () =>
      group.cached(
        path,
        jsonSource(() => openApiV3(rows, kinds, version.gitVersion)),
      )
    const encode = () => encodeOpenApiV3(JSON.parse(String(document().body)) as JsonObject)
    // One hash for both forms: the index names it before anybody says which is wanted.
    const protobuf = () => ({
      ...document(),
      body: group.cached(`${path} pb`, { contentType: v3Protobuf.current, build: encode }).body,
    })
    v3.set(path, { document, protobuf })
  }
  for (const path of groups.keys()) if (!v3.has(path)) groups.delete(path)
  const madeMs = Date.now()
  for (const { openApiV3, ...remote } of remotes) {
    if (openApiV3 === undefined) continue
    const document = () => ({ ...openApiV3, madeMs })
    const encode = () => encodeOpenApiV3(JSON.parse(String(openApiV3.body)) as JsonObject)
    v3.set(`/openapi/v3${groupVersionPath(remote)}`, {
      document,
      protobuf: () => ({ ...document(), body: encode() }),
    })
  }
  const v3Index = jsonSource(() => ({
    paths: Object.fromEntries(
      [...v3].map(([path, { document }]) => [
        path.slice('/openapi/v3/'.length),
        { serverRelativeURL: `${path}?hash=${document().hash}` },
      ]),
    ),
  }))
  const whole = (): ReturnType<typeof openApiV2> => {
    const own = openApiV2(kinds, version.gitVersion)
    if (remotes.length === 0) return own
    return mergeOpenApiV2(own as unknown as JsonObject, remotes) as unknown as typeof own
  }
  const v2: Record<'json' | 'protobuf', Source> = {
    json: jsonSource(whole),
    protobuf: { contentType: v2Protobuf.current, build: () => encodeOpenApiV2(whole()) },
  }
  const answer = ({ body, hash, madeMs }: Built, contentType: string): DocumentReply => ({
    status: 200,
    contentType,
    body,
    etag: `"${hash}"`,
    lastModifiedMs: madeMs,
  })
  const reply = (key: string, source: Source): DocumentReply => answer(cached(key, source), source.contentType)
  const aggregated = (path: string, form: 'v2' | 'v2beta1', media: Representation['media']): DocumentReply => {
    const build = () => json(aggregatedDiscovery(served, path === '/api' ? path : '/apis', form))
    const contentType = `${contentTypes[media]};g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`
    const { lastModifiedMs: _, ...document } = reply(`${path} ${form}`, { contentType, build })
    return { ...document, contentType, media, cacheControl: 'public' }
  }
  const discover = (path: string, source: Source, accept: string): DocumentReply => {
    const wanted = discoveryForm(accept, path === '/api' || path === '/apis')
    if (wanted === undefined) throw notAcceptable()
    if (wanted.form !== 'plain') return aggregated(path, wanted.form, wanted.media)
    return { ...reply(path, source), contentType: contentTypes[wanted.media], media: wanted.media }
  }
  const openApi = (path: string, accept: string): DocumentReply => {
    const type = chosenType(accept, ['application/json', v2Protobuf.old, v2Protobuf.current])
    if (type === undefined) return noneAccepted
    return type === 'application/json' ? reply(path, v2.json) : reply(`${path} pb`, v2.protobuf)
  }
  const openApiGroup = (path: string, accept: string, hash: string): DocumentReply | undefined => {
    const group = v3.get(path)
    if (group === undefined) return undefined
    const type = chosenType(accept, ['application/json', v3Protobuf.current, v3Protobuf.old])
    if (type === undefined) return noneAccepted
    const isJson = type === 'application/json'
    const document = answer(isJson ? group.document() : group.protobuf(), isJson ? type : v3Protobuf.current)
    if (hash === '') return document
    if (`"${hash}"` === document.etag)
      return { ...document, cacheControl: 'public, immutable', maxAgeSeconds: 31_536_000 }
    const location = `${path}?hash=${document.etag?.slice(1, -1)}`
    return { ...document, status: 301, body: Buffer.alloc(0), location }
  }
  return (path, accept, query) => {
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    if (plain === '/openapi/v3') return reply(plain, v3Index)
    if (plain === '/openapi/v2') return openApi(plain, accept)
    const source = discovery.get(plain)
    return source === undefined ? openApiGroup(plain, accept, query.get('hash') ?? '') : discover(plain, source, accept)
  }
}
