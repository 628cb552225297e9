import { storeKeyOf, upstreamPath } from '../builtin-paths.ts'
import type { KeyValue, RangeResponse } from './etcd-messages.ts'
import type { EtcdClient } from './etcd-client.ts'

/** The part of etcd's keys below `--etcd-prefix`. */
export class EtcdSpace {
  readonly prefix: string
  constructor(prefix: string) {
    this.prefix = `/${prefix.split('/').filter(Boolean).join('/')}`
  }
  /** `/registry/pods/default/x` under the prefix `/registry`. */
  key(storeKey: string): Buffer {
    return Buffer.from(this.prefix + upstreamPath(storeKey).slice('/registry'.length))
  }
  /** Undefined for what is no object of a resource. */
  storeKey(key: Buffer): string | undefined {
    return storeKeyOf(`/registry${key.toString('utf8', Buffer.byteLength(this.prefix))}`)
  }
  /** What Skiff keeps for itself; no resource is called so. */
  own(name: string): Buffer {
    return Buffer.from(`${this.prefix}/skiff/${name}`)
  }
  get all(): { key: Buffer; rangeEnd: Buffer } {
    // '0' is the character behind '/'.
    return { key: Buffer.from(`${this.prefix}/`), rangeEnd: Buffer.from(`${this.prefix}0`) }
  }
}

const pageSize = 500

/** Everything below the prefix as it is at one revision, page by page. Throws when that is compacted on the way. */
export const readAll = async (client: EtcdClient, space: EtcdSpace, each: (kv: KeyValue) => void): Promise<number> => {
  const { key, rangeEnd } = space.all
  let from = key
  let revision = 0
  for (;;) {
    const page: RangeResponse = await client.call('KV.Range', { key: from, rangeEnd, limit: pageSize, revision })
    if (revision === 0) revision = page.header.revision
    for (const kv of page.kvs) each(kv)
    const last = page.kvs.at(-1)
    if (!page.more || last === undefined) return revision
    from = Buffer.concat([last.key, Buffer.from([0])])
  }
}
