import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { SkiffError } from '../../../../kube/errors.ts'
import type { EtcdClient } from './etcd-client.ts'
import type { RequestOp, TxnRequest } from './etcd-messages.ts'
import { EtcdSpace, readAll } from './etcd-space.ts'

/** etcd takes 128 operations and 1.5 MiB in one transaction. */
const maxOperations = 100
const maxBytes = 768 * 1024

type Compare = TxnRequest['compare']

/** Writes only while `compare` holds. Throws SkiffError CONFLICT when it no longer does. */
const write = async (client: EtcdClient, compare: Compare, success: RequestOp[]): Promise<void> => {
  const { succeeded } = await client.call('KV.Txn', { compare, success, failure: [] }, () => {})
  if (!succeeded)
    throw new SkiffError('CONFLICT', 'etcd: somebody else carries the restore over', { remedy: 'try again' })
}

/** Puts many keys, some in each transaction; the order does not matter. */
export const putMany = async (
  client: EtcdClient,
  pairs: AsyncIterable<{ key: Buffer; value: Buffer }> | Iterable<{ key: Buffer; value: Buffer }>,
  compare: Compare = [],
): Promise<void> => {
  let puts: RequestOp[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (puts.length > 0) await write(client, compare, puts)
    puts = []
    bytes = 0
  }
  for await (const put of pairs) {
    const size = put.key.length + put.value.length
    if (puts.length === maxOperations || bytes + size > maxBytes) await flush()
    puts.push({ put })
    bytes += size
  }
  await flush()
}

/** Where a restore first puts everything: `/registry.restoring/…`, which no server reads. */
export const stagingOf = (space: EtcdSpace): EtcdSpace => new EtcdSpace(`${space.prefix}.restoring`)

/** Once this key is there, the new state is the one in force: whoever comes next carries it over. */
export const commitKey = (space: EtcdSpace): Buffer => space.own('restore')

const turnSeconds = 30

/** Waits for its turn to carry over; a turn that is not ended is over after half a minute. Undefined: nothing is left to do. */
const takeTurn = async (client: EtcdClient, space: EtcdSpace): Promise<Compare | undefined> => {
  const key = space.own('restorer')
  for (;;) {
    const { kvs } = await client.call('KV.Range', { key: commitKey(space), limit: 1 })
    if (kvs.length === 0) return undefined
    const ID = randomInt(1, 2 ** 47)
    await client.call('Lease.LeaseGrant', { TTL: turnSeconds, ID }, () => {})
    const { succeeded, header } = await client.call('KV.Txn', {
      compare: [{ result: 0, target: 0, key, version: 0 }],
      success: [{ put: { key, value: Buffer.alloc(0), lease: ID } }],
      failure: [],
    })
    if (succeeded) return [{ result: 0, target: 2, key, modRevision: header.revision }]
    await sleep(500)
  }
}

/**
 * Carries over a restore that was committed and not finished: everything below the prefix is replaced by what stands in
 * the staging place. Doing it again from any point gives the same; one at a time does it, and every write expects that.
 */
export const finishRestore = async (client: EtcdClient, space: EtcdSpace): Promise<void> => {
  const turn = await takeTurn(client, space)
  if (turn === undefined) return
  const staging = stagingOf(space)
  // All but Skiff's own keys, the commit among them.
  await write(client, turn, [
    { deleteRange: { key: space.all.key, rangeEnd: space.own('') } },
    { deleteRange: { key: Buffer.from(`${space.prefix}/skiff0`), rangeEnd: space.all.rangeEnd } },
  ])
  const moved: { key: Buffer; value: Buffer }[] = []
  await readAll(client, staging, ({ key, value }) => {
    const path = key.toString('utf8', Buffer.byteLength(staging.prefix))
    moved.push({ key: Buffer.from(space.prefix + path), value })
  })
  await putMany(client, moved, turn)
  await write(client, turn, [
    { deleteRange: { key: commitKey(space) } },
    { deleteRange: staging.all },
    { deleteRange: { key: space.own('restorer') } },
  ])
}
