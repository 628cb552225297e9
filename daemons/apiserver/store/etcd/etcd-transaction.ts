import type { StoreOperation } from '../store.ts'
import { StoredEntry } from '../stored-entry.ts'
import type { ValueCodec } from '../value-codec.ts'
import type { EtcdClient } from './etcd-client.ts'
import type { RequestOp, TxnRequest, TxnResponse } from './etcd-messages.ts'
import type { EtcdSpace } from './etcd-space.ts'
import { withoutVersion, withVersion } from '../versioned-text.ts'

export interface TransactionContext {
  client: EtcdClient
  space: EtcdSpace
  codec: ValueCodec
  /** The lease that an object of this key lives on; 0: none. */
  leaseOf(key: string): Promise<number>
}

/** What etcd says of a transaction. */
export type Written =
  /** `removed`: what the deletes found, by key. */
  | { kind: 'committed'; revision: number; removed: Map<string, StoredEntry> }
  /** `found` is the state that etcd answered with, at `revision`. */
  | { kind: 'conflict'; revision: number; index: number; found: (StoredEntry | undefined)[] }

interface Prepared {
  operation: StoreOperation
  key: Buffer
  /** What a put writes, before encryption. */
  text: Buffer
}

const requestOf = async (prepared: readonly Prepared[], context: TransactionContext): Promise<TxnRequest> => {
  const success: RequestOp[] = []
  const compare: TxnRequest['compare'] = []
  for (const { operation, key, text } of prepared) {
    const { expected } = operation
    if (expected !== undefined) compare.push({ result: 0, target: 2, key, modRevision: expected })
    else if (operation.kind === 'delete') compare.push({ result: 1, target: 0, key, version: 0 })
    if (operation.kind === 'delete') success.push({ deleteRange: { key, prevKv: true } })
    else {
      const lease = await context.leaseOf(operation.key)
      success.push({ put: { key, value: context.codec.encode(operation.key, text), lease } })
    }
  }
  return { compare, success, failure: prepared.map(({ key }) => ({ range: { key } })) }
}

/**
 * One transaction. When an answer was lost it is asked again, and what is found then tells whether the first try had
 * gone through: a key that holds exactly our text at another revision, or that we wanted away and is.
 */
export const writeTransaction = async (
  operations: readonly StoreOperation[],
  context: TransactionContext,
): Promise<Written> => {
  const prepared = operations.map(operation => ({
    operation,
    key: context.space.key(operation.key),
    text: operation.kind === 'put' ? withoutVersion(operation.object) : Buffer.alloc(0),
  }))
  let perhapsDone = false
  const answer = await context.client.call('KV.Txn', await requestOf(prepared, context), () => (perhapsDone = true))
  const { revision } = answer.header
  if (answer.succeeded) return { kind: 'committed', revision, removed: removedBy(answer, prepared, context) }
  const values = answer.responses.map(({ range }) => range?.kvs[0])
  const found = values.map((kv, index) => {
    const key = operations[index]?.key ?? ''
    return kv === undefined ? undefined : entryOfValue(key, kv, context.codec)
  })
  if (perhapsDone) {
    const done = prepared.every(({ operation, text }, index) => {
      const kv = values[index]
      if (operation.kind === 'delete') return kv === undefined
      return kv !== undefined && context.codec.decode(operation.key, kv.value).bytes.equals(text)
    })
    const at = found.find(entry => entry !== undefined)?.revision ?? revision
    if (done) return { kind: 'committed', revision: at, removed: new Map() }
  }
  const index = operations.findIndex(({ expected, kind }, at) => {
    const current = found[at]?.revision ?? 0
    return expected === undefined ? kind === 'delete' && current === 0 : expected !== current
  })
  return { kind: 'conflict', revision, index: Math.max(0, index), found }
}

export const entryOfValue = (
  key: string,
  kv: { value: Buffer; modRevision: number },
  codec: ValueCodec,
): StoredEntry => {
  const { bytes, stale } = codec.decode(key, kv.value)
  return new StoredEntry(key, kv.modRevision, { bytes: withVersion(key, bytes, kv.modRevision), stale })
}

const removedBy = (
  answer: TxnResponse,
  prepared: readonly Prepared[],
  { codec }: TransactionContext,
): Map<string, StoredEntry> => {
  const removed = new Map<string, StoredEntry>()
  for (const [index, { operation }] of prepared.entries()) {
    const kv = answer.responses[index]?.deleteRange?.prevKvs[0]
    if (operation.kind === 'delete' && kv !== undefined)
      removed.set(operation.key, entryOfValue(operation.key, kv, codec).at(answer.header.revision))
  }
  return removed
}
