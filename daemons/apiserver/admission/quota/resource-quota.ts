import { conflict } from '../../registry/api-errors.ts'
import type { StoreOperation } from '../../store/store.ts'
import type { StoredEntry } from '../../store/stored-entry.ts'
import { forbid } from '../forbid.ts'
import type { AdmissionHost, AdmissionPlugin, AdmissionRequest } from '../plugin.ts'
import { planCharge } from './plan-charge.ts'

const quotaKind = { group: '', plural: 'resourcequotas', kind: 'ResourceQuota' }
/** How often a charge starts over because a quota was written meanwhile. */
const attempts = 8

const updated = new Set(['services', 'persistentvolumeclaims'])

/**
 * Counts a write against the quotas of its namespace, all of them in one transaction, before it is done. A write that
 * fails afterwards stays counted until the quota controller counts again, as upstream leaves it.
 */
export const resourceQuotaPlugin = (): AdmissionPlugin => {
  let host: AdmissionHost | undefined
  const charge = async ({ store }: AdmissionHost, request: AdmissionRequest, first: StoredEntry[]): Promise<void> => {
    let entries = first
    for (let attempt = 0; attempt < attempts; attempt++) {
      const byName = new Map(entries.map(entry => [entry.object.metadata?.name, entry]))
      const plan = planCharge(
        request,
        entries.map(({ object }) => object),
      )
      if (plan.kind === 'refused') throw forbid(request, plan.why)
      if (plan.quotas.length === 0 || request.dryRun) return
      const operations = plan.quotas.flatMap((object): StoreOperation[] => {
        const entry = byName.get(object.metadata?.name)
        const copy = { ...object, metadata: { ...object.metadata } }
        return entry === undefined ? [] : [{ kind: 'put', key: entry.key, object: copy, expected: entry.revision }]
      })
      const result = await store.transact(operations)
      if (result.kind === 'committed') return
      entries = quotasOf(store, request)
    }
    throw conflict(quotaKind, entries[0]?.object.metadata?.name ?? '')
  }
  return {
    name: 'ResourceQuota',
    handles: ({ operation, kind, subresource }) =>
      subresource === '' &&
      kind.namespaced &&
      (operation === 'create' || (operation === 'update' && kind.group === '' && updated.has(kind.plural))),
    attach: given => {
      host = given
    },
    validate: request => {
      if (host === undefined || request.namespace === '') return undefined
      const entries = quotasOf(host.store, request)
      return entries.length === 0 ? undefined : charge(host, request, entries)
    },
  }
}

const quotasOf = (store: AdmissionHost['store'], { namespace }: AdmissionRequest): StoredEntry[] =>
  store.range({ prefix: `/registry/core/resourcequotas/${namespace}/` }).entries
