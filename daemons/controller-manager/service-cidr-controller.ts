import type { Condition } from 'kubernetes-types/meta/v1.js'
import { type Cidr, cidrContains, firstOf, lastOf, parseCidr, parseIp } from '../../kube/ip-address.ts'
import { type IPAddress, ipAddresses, type ServiceCIDR, serviceCidrs } from '../../kube/resources.ts'
import { type StartController, timestamp } from './controller-context.ts'
import { isDeleting } from './owner.ts'
import { applyWrite, updateWrite, type Write } from './write.ts'

export const protectionFinalizer = 'networking.k8s.io/service-cidr-finalizer'
/** The label of addresses that API servers give to Services. */
const managedBy = { label: 'ipaddress.kubernetes.io/managed-by', allocator: 'ipallocator.k8s.io' }
/** How long a range lingers that nothing is taken from any more: an API server may not have heard yet that it goes. */
const graceMs = 10_000

export type ServiceCidrStep = { kind: 'write'; write: Write } | { kind: 'wait'; ms: number } | { kind: 'nothing' }

export interface ServiceCidrState {
  all: readonly ServiceCIDR[]
  addresses: readonly IPAddress[]
  nowMs: number
}

const nothing: ServiceCidrStep = { kind: 'nothing' }

const nameOf = ({ metadata }: ServiceCIDR): string => metadata?.name ?? ''
const rangesOf = ({ spec }: ServiceCIDR): Cidr[] => (spec?.cidrs ?? []).map(parseCidr)
const holds = (outer: Cidr, inner: Cidr): boolean =>
  cidrContains(outer, firstOf(inner)) && cidrContains(outer, lastOf(inner))

/** Whether a Service would be left with an address of no range, were this one gone. */
const isNeeded = (cidr: ServiceCIDR, { all, addresses }: ServiceCidrState): boolean => {
  const others = all.filter(other => nameOf(other) !== nameOf(cidr) && !isDeleting(other)).flatMap(rangesOf)
  const own = rangesOf(cidr).filter(range => !others.some(other => holds(other, range)))
  if (own.length === 0) return false
  return addresses.some(({ metadata }) => {
    if (metadata?.labels?.[managedBy.label] !== managedBy.allocator) return false
    const ip = parseIp(metadata.name ?? '')
    return own.some(range => cidrContains(range, ip)) && !others.some(range => cidrContains(range, ip))
  })
}

/** The status with this condition; undefined: it says so already. */
const withReady = (cidr: ServiceCIDR, ready: Omit<Condition, 'type' | 'lastTransitionTime'>, nowMs: number) => {
  const conditions = cidr.status?.conditions ?? []
  const before = conditions.find(({ type }) => type === 'Ready')
  if (before?.status === ready.status && before.reason === ready.reason) return undefined
  const condition: Condition = { type: 'Ready', ...ready, lastTransitionTime: timestamp(nowMs) }
  const status = { ...cidr.status, conditions: [...conditions.filter(({ type }) => type !== 'Ready'), condition] }
  return updateWrite(serviceCidrs, { ...cidr, status }, 'status')
}

const withFinalizers = (cidr: ServiceCIDR, finalizers: string[]): ServiceCidrStep => ({
  kind: 'write',
  write: updateWrite(serviceCidrs, { ...cidr, metadata: { ...cidr.metadata, finalizers } }),
})

const planDeletion = (cidr: ServiceCIDR, state: ServiceCidrState): ServiceCidrStep => {
  const finalizers = cidr.metadata?.finalizers ?? []
  if (!finalizers.includes(protectionFinalizer)) return nothing
  if (isNeeded(cidr, state)) {
    const message =
      'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'
    const write = withReady(cidr, { status: 'False', reason: 'Terminating', message }, state.nowMs)
    return write === undefined ? nothing : { kind: 'write', write }
  }
  const ms = Date.parse(cidr.metadata?.deletionTimestamp ?? '') + graceMs - state.nowMs
  if (ms > 0) return { kind: 'wait', ms }
  return withFinalizers(
    cidr,
    finalizers.filter(finalizer => finalizer !== protectionFinalizer),
  )
}

/** What a ServiceCIDR lacks next: its finalizer, then its condition; while it is deleted, leave to go. */
export const planServiceCidr = (cidr: ServiceCIDR, state: ServiceCidrState): ServiceCidrStep => {
  if (isDeleting(cidr)) return planDeletion(cidr, state)
  const finalizers = cidr.metadata?.finalizers ?? []
  if (!finalizers.includes(protectionFinalizer)) return withFinalizers(cidr, [...finalizers, protectionFinalizer])
  if (cidr.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true)
    return nothing
  const write = withReady(
    cidr,
    { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' },
    state.nowMs,
  )
  return write === undefined ? nothing : { kind: 'write', write }
}

/** Makes ServiceCIDRs ready, and holds those that are deleted until no Service has an address that only they cover. */
export const startServiceCidrController: StartController = context => {
  const { informers, client, signal, clock } = context
  const ranges = informers.of(serviceCidrs)
  const addresses = informers.of(ipAddresses)
  const queue = context.startQueue('servicecidr', 1, async name => {
    const cidr = ranges.get(name)
    if (cidr === undefined) return
    const state = { all: ranges.list(), addresses: isDeleting(cidr) ? addresses.list() : [], nowMs: clock.now() }
    const step = planServiceCidr(cidr, state)
    if (step.kind === 'wait') queue.addAfter(name, step.ms)
    if (step.kind === 'write') await applyWrite(client, step.write, signal)
  })
  // What is being deleted waits for others: a range that covers it, or an address that goes.
  const enqueueWaiting = (): void => {
    for (const cidr of ranges.list()) if (isDeleting(cidr)) queue.add(nameOf(cidr))
  }
  const enqueue = (cidr: ServiceCIDR): void => {
    queue.add(nameOf(cidr))
    enqueueWaiting()
  }
  ranges.subscribe({ added: enqueue, updated: enqueue, deleted: enqueueWaiting })
  addresses.subscribe({ deleted: enqueueWaiting })
}
