import type { Namespace, ServiceAccount } from 'kubernetes-types/core/v1.js'
import { namespaces, serviceAccounts } from '../../kube/resources.ts'
import { hasReason } from '../../kube/status.ts'
import type { StartController } from './controller-context.ts'
import { createWrite, applyWrite, type Write } from './write.ts'

/** The account that pods of a namespace run as when they name none. */
export const planDefaultAccount = (
  namespace: Namespace | undefined,
  known: ServiceAccount | undefined,
): Write | undefined => {
  if (namespace === undefined || namespace.metadata?.deletionTimestamp !== undefined || known !== undefined)
    return undefined
  return createWrite(serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: namespace.metadata?.name ?? '' },
  })
}

/** A `default` ServiceAccount in every namespace, made again when it is deleted. */
export const startServiceAccountController: StartController = context => {
  const { informers, client, signal } = context
  const queue = context.startQueue('serviceaccount', 1, async name => {
    const known = informers.of(serviceAccounts).get(`${name}/default`)
    const write = planDefaultAccount(informers.of(namespaces).get(name), known)
    if (write === undefined) return
    await applyWrite(client, write, signal).catch((error: unknown) => {
      // The namespace is going, or somebody was faster.
      if (!hasReason(error, 'AlreadyExists', 'NotFound', 'Forbidden')) throw error
    })
  })
  const enqueue = (namespace: Namespace) => queue.add(namespace.metadata?.name ?? '')
  informers.of(namespaces).subscribe({ added: enqueue, updated: enqueue })
  informers.of(serviceAccounts).subscribe({
    deleted: account => {
      if (account.metadata?.name === 'default') queue.add(account.metadata.namespace ?? '')
    },
  })
}
