import { X509Certificate } from 'node:crypto'
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js'
import { certificateSigningRequests } from '../../../kube/resources.ts'
import type { StartController } from '../controller-context.ts'
import { applyWrite, deleteWrite } from '../write.ts'

const hourMs = 3_600_000
/** How long a request is kept: after it was decided on, and when nobody decides (upstream's cleaner). */
const decidedMs = hourMs
const pendingMs = 24 * hourMs

const certificateEnd = (base64: string): number => {
  try {
    return Date.parse(new X509Certificate(Buffer.from(base64, 'base64')).validTo)
  } catch {
    return Infinity
  }
}

/** When a request may go, in ms. */
export const endOf = ({ metadata, status }: CertificateSigningRequest): number => {
  const madeMs = Date.parse(metadata?.creationTimestamp ?? '')
  const decisions = (status?.conditions ?? []).filter(({ type }) => ['Approved', 'Denied', 'Failed'].includes(type))
  const times = decisions.map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? '') + decidedMs)
  const issued = status?.certificate ? [certificateEnd(status.certificate)] : []
  const known = [...times, ...issued].filter(time => !Number.isNaN(time))
  const first = Math.min(...known)
  if (known.length > 0) return first
  return Number.isNaN(madeMs) ? Infinity : madeMs + pendingMs
}

/** Removes requests that have been answered, or that nobody will answer. */
export const startCsrCleanerController: StartController = context => {
  const { informers, client, signal, clock } = context
  const requests = informers.of(certificateSigningRequests)
  const queue = context.startQueue('csrcleaner', 1, async name => {
    const csr = requests.get(name)
    const end = csr === undefined ? Infinity : endOf(csr)
    if (csr === undefined || end === Infinity) return
    const left = end - clock.now()
    // Timers cannot be longer than 24 days; a year's certificate is looked at again before.
    if (left > 0) return queue.addAfter(name, Math.min(left, pendingMs))
    await applyWrite(client, deleteWrite(certificateSigningRequests, csr), signal)
  })
  const enqueue = (csr: CertificateSigningRequest): void => queue.add(csr.metadata?.name ?? '')
  requests.subscribe({ added: enqueue, updated: enqueue })
}
