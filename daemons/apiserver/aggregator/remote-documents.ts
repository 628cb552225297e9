import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'
import type { RemoteVersion } from '../schema/remote-version.ts'
import { type RemoteApi } from './api-service.ts'
import { discoveryPath } from './availability.ts'
import type { RemoteAnswer, RemoteConnections } from './remote-connections.ts'

const aggregatedTypes = ['v2', 'v2beta1']
  .map(version => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',')

const parse = ({ body }: RemoteAnswer): JsonObject => {
  const value = JSON.parse(body.toString()) as unknown
  if (!isJsonObject(value)) throw new Error('the answer is no JSON object')
  return value
}

const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : [])

/** The resources of one group version out of an APIGroupDiscoveryList; undefined where it is not in there. */
const fromAggregated = (list: JsonObject, { group, version }: RemoteApi): JsonObject[] | undefined => {
  const item = objects(list['items']).find(
    ({ metadata }) => isJsonObject(metadata) && (metadata['name'] ?? '') === group,
  )
  const found = objects(item?.['versions']).find(candidate => candidate['version'] === version)
  return found === undefined ? undefined : objects(found['resources'])
}

/** An APIResourceList in the words of aggregated discovery (KEP-3352). */
export const fromResourceList = (list: JsonObject, api: { group: string; version: string }): JsonObject[] => {
  const rows = objects(list['resources'])
  const kindOf = ({ group, version, kind }: JsonObject): JsonObject => ({
    group: group || api.group,
    version: version || api.version,
    kind: kind ?? '',
  })
  const resources = new Map<string, JsonObject>()
  const resource = (name: string): JsonObject => {
    const known = resources.get(name)
    if (known !== undefined) return known
    const added: JsonObject = { resource: name, scope: 'Cluster', singularResource: '', verbs: [] }
    resources.set(name, added)
    return added
  }
  for (const row of rows) {
    const [name = '', subresource] = String(row['name'] ?? '').split('/')
    if (subresource === undefined)
      Object.assign(resource(name), {
        responseKind: kindOf(row),
        scope: row['namespaced'] === true ? 'Namespaced' : 'Cluster',
        singularResource: row['singularName'] ?? '',
        verbs: row['verbs'] ?? [],
        ...(row['shortNames'] === undefined ? {} : { shortNames: row['shortNames'] }),
        ...(row['categories'] === undefined ? {} : { categories: row['categories'] }),
      })
    else {
      const parent = resource(name)
      const item = { subresource, responseKind: kindOf(row), verbs: row['verbs'] ?? [] }
      parent['subresources'] = [...objects(parent['subresources']), item]
    }
  }
  return [...resources.values()]
}

/**
 * What an aggregated server says of itself: discovery and OpenAPI. Asked for again now and then, with the tags of what
 * is known already.
 */
export class RemoteDocuments {
  readonly #api: RemoteApi
  readonly #connections: RemoteConnections
  #resources: readonly JsonObject[] = []
  #stale = true
  #v2: { etag: string; document: JsonObject } | undefined
  #v3: { etag: string; hash: string; body: Buffer } | undefined
  #current: RemoteVersion
  constructor(api: RemoteApi, connections: RemoteConnections) {
    this.#api = api
    this.#connections = connections
    this.#current = this.#snapshot()
  }

  get current(): RemoteVersion {
    return this.#current
  }

  /** What was known stays, and is said to be old. */
  markStale(): void {
    this.#stale = true
    this.#current = this.#snapshot()
  }

  /** Rejects with Error where discovery cannot be had; a server without OpenAPI is none the worse for it. */
  async refresh(): Promise<void> {
    try {
      const [resources] = await Promise.all([
        this.#discover(),
        this.#readV2().catch(() => {}),
        this.#readV3().catch(() => {}),
      ])
      this.#resources = resources
      this.#stale = false
    } catch (error) {
      this.#stale = true
      throw error
    } finally {
      this.#current = this.#snapshot()
    }
  }

  #snapshot(): RemoteVersion {
    const { group, version, groupPriority, versionPriority } = this.#api
    const next: RemoteVersion = {
      group,
      version,
      groupPriority,
      versionPriority,
      resources: this.#resources,
      freshness: this.#stale ? 'Stale' : 'Current',
      ...(this.#v2 === undefined ? {} : { openApiV2: this.#v2.document }),
      ...(this.#v3 === undefined ? {} : { openApiV3: { hash: this.#v3.hash, body: this.#v3.body } }),
    }
    // The same text is the same version, so that documents made of it need not be made again.
    const old = this.#current as RemoteVersion | undefined
    const same =
      old !== undefined &&
      old.freshness === next.freshness &&
      old.openApiV2 === next.openApiV2 &&
      old.openApiV3?.hash === next.openApiV3?.hash &&
      JSON.stringify(old.resources) === JSON.stringify(next.resources)
    return same ? old : next
  }

  async #discover(): Promise<readonly JsonObject[]> {
    const whole = await this.#connections.ask(this.#api, '/apis', { accept: `${aggregatedTypes},application/json` })
    if (whole.status === 200 && String(whole.headers['content-type']).includes('APIGroupDiscoveryList')) {
      const found = fromAggregated(parse(whole), this.#api)
      if (found !== undefined) return found
    }
    const path = discoveryPath(this.#api)
    const list = await this.#connections.ask(this.#api, path, { accept: 'application/json' })
    if (list.status !== 200) throw new Error(`bad status from ${path}: ${list.status}`)
    return fromResourceList(parse(list), this.#api)
  }

  async #readV2(): Promise<void> {
    const answer = await this.#askTagged('/openapi/v2', this.#v2?.etag)
    if (answer !== undefined) this.#v2 = { etag: answer.headers.etag ?? '', document: parse(answer) }
  }

  async #readV3(): Promise<void> {
    const answer = await this.#askTagged(`/openapi/v3${discoveryPath(this.#api)}`, this.#v3?.etag)
    if (answer === undefined) return
    parse(answer)
    const hash = createHash('sha512').update(answer.body).digest('hex').toUpperCase()
    this.#v3 = { etag: answer.headers.etag ?? '', hash, body: answer.body }
  }

  /** Undefined where nothing has changed, or there is nothing. */
  async #askTagged(path: string, etag: string | undefined): Promise<RemoteAnswer | undefined> {
    const headers = { accept: 'application/json', ...(etag ? { 'if-none-match': etag } : {}) }
    const answer = await this.#connections.ask(this.#api, path, headers)
    return answer.status === 200 ? answer : undefined
  }
}
