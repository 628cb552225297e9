import { randomInt, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EtcdClient } from './etcd-client.ts'
import type { EtcdSpace } from './etcd-space.ts'

const ttlSeconds = 15

/** Where each server that has the store open says so, as long as it renews its lease. */
export const serversBelow = (space: EtcdSpace): { key: Buffer; rangeEnd: Buffer } => ({
  key: space.own('servers/'),
  rangeEnd: space.own('servers0'),
})

/** Says that this process has the store open; a restore then refuses. Resolves with what keeps saying so until it aborts. */
export const announce = async (
  client: EtcdClient,
  space: EtcdSpace,
): Promise<(signal: AbortSignal) => Promise<void>> => {
  const key = space.own(`servers/${randomUUID()}`)
  const say = async (): Promise<number> => {
    const ID = randomInt(1, 2 ** 47)
    await client.call('Lease.LeaseGrant', { TTL: ttlSeconds, ID }, () => {})
    await client.call('KV.Put', { key, value: Buffer.from(`${hostname()} ${process.pid}`), lease: ID }, () => {})
    return ID
  }
  let lease = await say()
  return async signal => {
    while (!signal.aborted) {
      await sleep((ttlSeconds * 1000) / 3, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) break
      try {
        if ((await client.keepAlive(lease)) <= 0) lease = await say()
      } catch {
        // Without a quorum nothing can be renewed: it is tried again at the next turn.
      }
    }
    await client.call('KV.DeleteRange', { key }).catch(() => {})
  }
}
