import { SkiffError } from '../../../kube/errors.ts'
import { EtcdClient, type EtcdClientOptions } from '../store/etcd/etcd-client.ts'
import { EtcdSpace, readAll } from '../store/etcd/etcd-space.ts'
import { serversBelow } from '../store/etcd/etcd-presence.ts'
import { commitKey, finishRestore, putMany, stagingOf } from '../store/etcd/finish-restore.ts'
import { type BackupRecord, type BackupSummary, checkBackup, readBackup, writeBackup } from './backup-file.ts'
import type { Restored } from './lmdb-backup.ts'

export interface EtcdPlace extends EtcdClientOptions {
  prefix: string
}

const connected = async <T>(
  place: EtcdPlace,
  work: (client: EtcdClient, space: EtcdSpace) => Promise<T>,
): Promise<T> => {
  const client = await EtcdClient.open(place)
  try {
    return await work(client, new EtcdSpace(place.prefix))
  } finally {
    client.close()
  }
}

/** Saves what is below the prefix, as it is at one revision, while servers go on. */
export const saveEtcd = (place: EtcdPlace, file: string, savedAt: string): Promise<BackupSummary> =>
  connected(place, async (client, space) => {
    const records: BackupRecord[] = []
    const revision = await readAll(client, space, ({ key: path, value, modRevision }) => {
      const key = space.storeKey(path)
      if (key !== undefined) records.push({ key, revision: modRevision, value })
    })
    return writeBackup(file, { revision, savedAt, records })
  })

/** How many writes are made at most so that etcd's revision comes after the backup's: minutes. */
const maxBump = 2_000_000
const writersOfBump = 64

/** etcd's revision can only be raised by writing. */
const raiseRevision = async (client: EtcdClient, space: EtcdSpace, target: number): Promise<void> => {
  const key = space.own('progress')
  const current = (await client.call('KV.Range', { key, limit: 1 })).header.revision
  if (target - current > maxBump)
    throw new SkiffError(
      'INVALID_INPUT',
      `the backup is of revision ${target}, this etcd is at ${current}: clients would see time go backwards`,
      {
        remedy:
          'raise it first (etcdutl snapshot restore --bump-revision), or restore to the etcd that the backup is from',
      },
    )
  let left = target - current
  const writer = async (): Promise<void> => {
    while (left-- > 0) await client.call('KV.Put', { key, value: Buffer.from('0') }, () => {})
  }
  await Promise.all(Array.from({ length: writersOfBump }, writer))
}

/**
 * Puts a backup in the place of what is below the prefix. Everything is first written beside it; one write then decides, and
 * what remains to be done after that is done by whoever comes next, this command or an API server.
 * Throws ALREADY_RUNNING while a server has the store open.
 */
export const restoreEtcd = async (file: string, place: EtcdPlace): Promise<Restored> => {
  const summary = await checkBackup(file)
  return connected(place, async (client, space) => {
    const { kvs } = await client.call('KV.Range', serversBelow(space))
    if (kvs.length > 0)
      throw new SkiffError(
        'ALREADY_RUNNING',
        `API servers have ${space.prefix} open: ${kvs.map(kv => String(kv.value)).join(', ')}`,
        {
          remedy: 'stop them first; one that was killed is forgotten after 15 seconds',
        },
      )
    await finishRestore(client, space)
    await raiseRevision(client, space, summary.revision + 1)
    const staging = stagingOf(space)
    await client.call('KV.DeleteRange', staging.all, () => {})
    const pairs = async function* () {
      for await (const { key, value } of readBackup(file)) yield { key: staging.key(key), value }
    }
    await putMany(client, pairs())
    await client.call('KV.Put', { key: commitKey(space), value: Buffer.from(summary.sha256) }, () => {})
    await finishRestore(client, space)
    const { header } = await client.call('KV.Range', { key: space.own('progress'), limit: 1 })
    return { ...summary, newRevision: header.revision }
  })
}
