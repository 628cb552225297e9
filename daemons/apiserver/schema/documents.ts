import { createHash } from 'node:crypto'
import { aggregatedDiscovery, discoveryDocuments } from './discovery.ts'
import { groupVersionPath, kindsByGroupVersion } from './endpoints.ts'
import { encodeOpenApiV2 } from './gnostic.ts'
import { openApiV2 } from './openapi-v2.ts'
import { openApiV3 } from './openapi-v3.ts'
import type { Kind } from '../kinds/kind.ts'

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
  status: number
  contentType: string
  body: Buffer
  /** With its quotes. The caller compares it with If-None-Match and answers 304. */
  etag?: string
  /** The path carries the document's hash, so that clients may keep the answer for so long. */
  maxAgeSeconds?: number
}

export type Documents = (path: string, accept: string, query: URLSearchParams) => DocumentReply | undefined

interface Source {
  contentType: string
  build(): Buffer
}

interface Built {
  body: Buffer
  hash: string
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))
const jsonSource = (build: () => object): Source => ({ contentType: 'application/json', build: () => json(build()) })

const oldPb = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
const newPb = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** The media ranges of an Accept header in the client's order, without spaces. Clients list them best first. */
const mediaRanges = (accept: string): string[] =>
  accept.split(',').map(range => range.replaceAll(' ', '').replace(/;q=[\d.]+$/, ''))

type Form = 'v2' | 'v2beta1' | 'plain'

/** Which form of discovery the client wants most; plain JSON is what everybody can read. */
const discoveryForm = (accept: string): Form => {
  for (const range of mediaRanges(accept)) {
    if (range === 'application/json' || range === '*/*') return 'plain'
    const parameters = range.split(';')
    if (parameters[0] !== 'application/json' || !parameters.includes('as=APIGroupDiscoveryList')) continue
    if (parameters.includes('v=v2')) return 'v2'
    if (parameters.includes('v=v2beta1')) return 'v2beta1'
  }
  return 'plain'
}

/**
 * Bytes are made on first request and held weakly: they are megabytes that a cluster at rest does not need, and are
 * made again in some milliseconds. Their hashes stay, since the index of OpenAPI v3 names them.
 */
const makeCache = (): ((key: string, source: Source) => Built) => {
  const cache = new Map<string, { body: WeakRef<Buffer>; hash: string }>()
  return (key, source) => {
    const old = cache.get(key)
    const kept = old?.body.deref()
    if (old !== undefined && kept !== undefined) return { body: kept, hash: old.hash }
    const body = source.build()
    const hash = old?.hash ?? createHash('sha512').update(body).digest('hex').slice(0, 64).toUpperCase()
    cache.set(key, { body: new WeakRef(body), hash })
    return { body, hash }
  }
}

type Cache = ReturnType<typeof makeCache>

/** What is known of the group version documents of OpenAPI v3: they change only with their own kinds. */
type GroupCaches = Map<string, { rows: readonly Kind[]; cached: Cache }>

const sameRows = (a: readonly Kind[], b: readonly Kind[]): boolean =>
  a.length === b.length && a.every((row, index) => row === b[index])

/**
 * Discovery (/api, /apis, each group and group version, plain and aggregated) and OpenAPI (/openapi/v2 as JSON and as
 * protobuf, /openapi/v3 and its group versions) for the kinds that `served` names: another array whenever they change,
 * and then the documents are made anew, each when somebody asks for it. Undefined for any other path.
 */
export const makeDocuments = (served: () => readonly Kind[], version: VersionInfo): Documents => {
  const groups: GroupCaches = new Map()
  let current: { kinds: readonly Kind[]; documents: Documents } | undefined
  return (path, accept, query) => {
    const kinds = served()
    if (current?.kinds !== kinds) current = { kinds, documents: documentsOf(kinds, version, groups) }
    return current.documents(path, accept, query)
  }
}

const documentsOf = (kinds: readonly Kind[], version: VersionInfo, groups: GroupCaches): Documents => {
  const cached = makeCache()
  const discovery = new Map([...discoveryDocuments(kinds)].map(([path, build]) => [path, jsonSource(build)]))
  const v3 = new Map<string, () => Built>()
  for (const rows of kindsByGroupVersion(kinds).values()) {
    const [first] = rows
    if (first === undefined) continue
    const path = `/openapi/v3${groupVersionPath(first)}`
    const known = groups.get(path)
    const group = known !== undefined && sameRows(known.rows, rows) ? known : { rows, cached: makeCache() }
    groups.set(path, group)
    v3.set(path, () =>
      group.cached(
        path,
        jsonSource(() => openApiV3(rows, kinds, version.gitVersion)),
      ),
    )
  }
  for (const path of groups.keys()) if (!v3.has(path)) groups.delete(path)
  const v3Index = jsonSource(() => ({
    paths: Object.fromEntries(
      [...v3].map(([path, build]) => [
        path.slice('/openapi/v3/'.length),
        { serverRelativeURL: `${path}?hash=${build().hash}` },
      ]),
    ),
  }))
  const v2: Record<'json' | 'protobuf', Source> = {
    json: jsonSource(() => openApiV2(kinds, version.gitVersion)),
    protobuf: { contentType: newPb, build: () => encodeOpenApiV2(openApiV2(kinds, version.gitVersion)) },
  }
  const answer = ({ body, hash }: Built, contentType: string): DocumentReply => ({
    status: 200,
    contentType,
    body,
    etag: `"${hash}"`,
  })
  const reply = (key: string, source: Source): DocumentReply => answer(cached(key, source), source.contentType)
  const aggregated = (path: '/api' | '/apis', form: 'v2' | 'v2beta1'): DocumentReply =>
    reply(`${path} ${form}`, {
      contentType: `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`,
      build: () => json(aggregatedDiscovery(kinds, path, form)),
    })
  return (path, accept, query) => {
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    if (plain === '/api' || plain === '/apis') {
      const form = discoveryForm(accept)
      if (form !== 'plain') return aggregated(plain, form)
    }
    if (plain === '/openapi/v3') return reply(plain, v3Index)
    if (plain === '/openapi/v2') {
      const wanted = mediaRanges(accept)[0] ?? ''
      return wanted === oldPb || wanted === newPb ? reply(`${plain} pb`, v2.protobuf) : reply(plain, v2.json)
    }
    const group = v3.get(plain)
    if (group !== undefined) {
      const document = answer(group(), 'application/json')
      return `"${query.get('hash') ?? ''}"` === document.etag ? { ...document, maxAgeSeconds: 31_536_000 } : document
    }
    const document = discovery.get(plain)
    return document === undefined ? undefined : reply(plain, document)
  }
}
