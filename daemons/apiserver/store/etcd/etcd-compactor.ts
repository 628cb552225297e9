import type { Clock } from '../../../../kube/clock.ts'
import type { EtcdClient } from './etcd-client.ts'

/** Upstream's key: of all API servers, ours or not, one compacts at a time. */
const key = Buffer.from('compact_rev_key')

/**
 * Every `intervalMs` what happened before the previous turn is forgotten, by whichever server comes first: the version
 * of the key is the turn. (Source: apiserver's storage/etcd3/compact.go.)
 */
export const compactForever = async (
  client: EtcdClient,
  {
    clock,
    signal,
    intervalMs,
    onError,
  }: { clock: Clock; signal: AbortSignal; intervalMs: number; onError(e: unknown): void },
): Promise<void> => {
  let turn = 0
  let revision = 0
  for (;;) {
    await clock.sleep(intervalMs, signal)
    try {
      const answer = await client.call('KV.Txn', {
        compare: [{ result: 0, target: 0, key, version: turn }],
        success: [{ put: { key, value: Buffer.from(String(revision)) } }],
        failure: [{ range: { key } }],
      })
      const before = revision
      revision = answer.header.revision
      turn = answer.succeeded ? turn + 1 : (answer.responses[0]?.range?.kvs[0]?.version ?? 0)
      if (answer.succeeded && before > 0) await client.call('KV.Compact', { revision: before })
    } catch (error) {
      onError(error)
    }
  }
}
