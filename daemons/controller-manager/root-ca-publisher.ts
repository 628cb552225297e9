import type { ConfigMap, Namespace } from 'kubernetes-types/core/v1.js'
import { readFileSync } from 'node:fs'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { configMaps, namespaces } from '../../kube/resources.ts'
import { hasReason } from '../../kube/status.ts'
import type { StartController } from './controller-context.ts'
import { applyWrite, createWrite, updateWrite, type Write } from './write.ts'

export const rootCaName = 'kube-root-ca.crt'

/** The ConfigMap by which pods trust the API server; `known` with other data is put right. */
export const planRootCa = (
  namespace: Namespace | undefined,
  known: ConfigMap | undefined,
  certificate: string,
): Write | undefined => {
  if (namespace === undefined || namespace.metadata?.deletionTimestamp !== undefined) return undefined
  const data = { 'ca.crt': certificate }
  const description = 'The certificate authority that signs the certificate of the API server inside the cluster.'
  if (known === undefined)
    return createWrite(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: rootCaName,
        namespace: namespace.metadata?.name ?? '',
        annotations: { 'kubernetes.io/description': description },
      },
      data,
    })
  const same = known.data?.['ca.crt'] === certificate && Object.keys(known.data).length === 1
  return same ? undefined : updateWrite(configMaps, { ...known, data })
}

/** Publishes the CA certificate of --root-ca-file in every namespace; without the flag it does nothing. */
export const startRootCaPublisher: StartController = context => {
  const { informers, client, signal, options } = context
  if (options.rootCaFile === '') return
  let certificate: string
  try {
    certificate = readFileSync(options.rootCaFile, 'utf8')
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--root-ca-file ${options.rootCaFile}: ${messageOf(cause)}`, { cause })
  }
  const queue = context.startQueue('root_ca_cert_publisher', 1, async name => {
    const known = informers.of(configMaps).get(`${name}/${rootCaName}`)
    const write = planRootCa(informers.of(namespaces).get(name), known, certificate)
    if (write === undefined) return
    await applyWrite(client, write, signal).catch((error: unknown) => {
      if (!hasReason(error, 'AlreadyExists', 'NotFound', 'Forbidden')) throw error
    })
  })
  const enqueue = (namespace: Namespace) => queue.add(namespace.metadata?.name ?? '')
  informers.of(namespaces).subscribe({ added: enqueue, updated: enqueue })
  const enqueueMap = (map: ConfigMap): void => {
    if (map.metadata?.name === rootCaName) queue.add(map.metadata.namespace ?? '')
  }
  informers.of(configMaps).subscribe({ updated: enqueueMap, deleted: enqueueMap })
}
