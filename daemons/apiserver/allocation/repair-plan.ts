import { isIP } from 'node:net'
import { formatIp, parseIp } from '../../../kube/ip-address.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import type { Claim } from '../kinds/kind.ts'
import type { StoreOperation } from '../store/store.ts'
import type { StoredEntry } from '../store/stored-entry.ts'
import type { RepairFinding } from './allocation-metrics.ts'
import {
  allocatorName,
  clusterIpsOf,
  familyLabel,
  ipAddressClaim,
  ipAddressKey,
  isHeldBy,
  managedByLabel,
  nodePortClaim,
  nodePortKey,
  nodePortsOf,
  parentOf,
} from './service-claims.ts'
import { type AddressRange, inRange, type PortRange } from './service-range.ts'

/** What is stored, at one revision. */
export interface RepairState {
  services: readonly UnknownObject[]
  addresses: readonly StoredEntry[]
  ports: readonly StoredEntry[]
  ranges: readonly AddressRange[]
  portRange: PortRange
  nowMs: number
  /** How many more rounds a record that belongs to nobody stays, by key: what the last plan returned. */
  leaks: ReadonlyMap<string, number>
}

/** One thing that is wrong: who is told, and what puts it right, if anything does. */
export interface RepairStep {
  what: 'clusterIp' | 'nodePort'
  finding: RepairFinding
  /** The Service or IPAddress that the Event is about; undefined: nobody is told. */
  about?: UnknownObject
  reason: string
  message: string
  operation?: StoreOperation
}

export interface RepairPlan {
  steps: RepairStep[]
  leaks: Map<string, number>
}

/** A port that belongs to nobody is freed when it is seen for the third time, as upstream does it. */
const roundsBeforeCleanup = 3
/** Upstream's: so long a Service whose address is there already may still be on its way. */
const addressGraceMs = 60_000

interface Context extends RepairState {
  now: string
  /** By namespace and name. */
  byName: ReadonlyMap<string, UnknownObject>
  records: ReadonlyMap<string, StoredEntry>
  /** Who holds a number once this plan is carried out, where that is not who its record names. */
  claimed: Map<string, UnknownObject>
  steps: RepairStep[]
}

const nameOf = ({ metadata }: UnknownObject): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`

const canonical = (address: string): string => formatIp(parseIp(address))
const familyText = (address: string): string => (isIP(address) === 4 ? 'IPv4' : 'IPv6')

/** The Service that holds the number of this record; undefined: the record belongs to no Service, or to one without it. */
const holder = (record: UnknownObject, key: string, { byName, claimed }: Context): UnknownObject | undefined => {
  const known = claimed.get(key)
  if (known !== undefined) return known
  const { group, resource, namespace, name } = parentOf(record)
  const service = group === '' && resource === 'services' ? byName.get(`${namespace}/${name}`) : undefined
  return service !== undefined && keysOf(service).has(key) ? service : undefined
}

const keysOf = (service: UnknownObject): Set<string> =>
  new Set([
    ...clusterIpsOf(service)
      .filter(address => isIP(address) !== 0)
      .map(ipAddressKey),
    ...nodePortsOf(service).map(nodePortKey),
  ])

/** Whether a record is the Service's, is another's, or has to be written. */
const judge = (key: string, service: UnknownObject, context: Context): 'own' | 'other' | 'missing' | 'wrong' => {
  const record = context.records.get(key)
  const claimed = context.claimed.get(key)
  if (claimed !== undefined) return claimed === service ? 'own' : 'other'
  if (record === undefined) return 'missing'
  if (isHeldBy(record.object, service)) return 'own'
  return holder(record.object, key, context) === undefined ? 'wrong' : 'other'
}

const writeClaim = ({ key, record }: Claim, service: UnknownObject, context: Context): StoreOperation => {
  context.claimed.set(key, service)
  return { kind: 'put', key, object: record(context.now), expected: context.records.get(key)?.revision ?? 0 }
}

const checkAddress = (address: string, service: UnknownObject, context: Context): void => {
  const add = (finding: RepairFinding, reason: string, message: string, operation?: StoreOperation): void => {
    context.steps.push({ what: 'clusterIp', finding, about: service, reason, message, ...(operation && { operation }) })
  }
  if (isIP(address) === 0)
    return add('invalid', 'ClusterIPNotValid', `Cluster IP ${address} is not a valid IP; please recreate Service`)
  const text = canonical(address)
  const head = `Cluster IP [${familyText(text)}]: ${text}`
  if (!context.ranges.some(range => inRange(range, text)))
    return add('outOfRange', 'ClusterIPOutOfRange', `${head} is not within any configured Service CIDR; please recreate service`) // prettier-ignore
  const claim = ipAddressClaim(text, service)
  const repaired = (message: string): void =>
    add('repair', 'ClusterIPNotAllocated', message, writeClaim(claim, service, context))
  switch (judge(claim.key, service, context)) {
    case 'missing':
      return repaired(`${head} is not allocated; repairing`)
    case 'wrong':
      return repaired(
        `the ClusterIP [${familyText(text)}]: ${text} for Service ${nameOf(service)} has a wrong reference; repairing`,
      )
    case 'other':
      return add('duplicate', 'ClusterIPAlreadyAllocated', `Cluster IP [${familyText(text)}]:${text} was assigned to multiple services; please recreate service`) // prettier-ignore
    case 'own':
      return checkLabels(text, claim, { service, context })
  }
}

/** Labels that somebody took off: the record is written again, and nobody need know. */
const checkLabels = (
  address: string,
  claim: Claim,
  { service, context }: { service: UnknownObject; context: Context },
): void => {
  const labels = context.records.get(claim.key)?.object.metadata?.labels
  if (context.claimed.has(claim.key)) return
  if (labels?.[managedByLabel] === allocatorName && labels[familyLabel] === familyText(address)) return
  const operation = writeClaim(claim, service, context)
  context.steps.push({ what: 'clusterIp', finding: 'repair', reason: '', message: '', operation })
}

const checkPort = (port: number, service: UnknownObject, context: Context): void => {
  const add = (finding: RepairFinding, reason: string, message: string, operation?: StoreOperation): void => {
    context.steps.push({ what: 'nodePort', finding, about: service, reason, message, ...(operation && { operation }) })
  }
  const { first, last, text } = context.portRange
  if (port < first || port > last)
    return add('outOfRange', 'PortOutOfRange', `Port ${port} is not within the port range ${text}; please recreate service`) // prettier-ignore
  const claim = nodePortClaim(port, service)
  const judged = judge(claim.key, service, context)
  if (judged === 'other')
    add('duplicate', 'PortAlreadyAllocated', `Port ${port} was assigned to multiple services; please recreate service`)
  else if (judged !== 'own')
    add('repair', 'PortNotAllocated', `Port ${port} is not allocated; repairing`, writeClaim(claim, service, context))
}

/** An IPAddress of the allocator's whose Service is gone, or does not have it; those of others are their own business. */
const checkIpAddress = ({ key, revision, object }: StoredEntry, context: Context): void => {
  if (object.metadata?.labels?.[managedByLabel] !== allocatorName || context.claimed.has(key)) return
  if (holder(object, key, context) !== undefined) return
  const name = object.metadata.name ?? ''
  const parent = parentOf(object)
  const owner = `${parent.namespace}/${parent.name}`
  const free = (reason: string, message: string): void => {
    const operation: StoreOperation = { kind: 'delete', key, expected: revision }
    context.steps.push({ what: 'clusterIp', finding: 'leak', about: object, reason, message, operation })
  }
  if (parent.group !== '' || parent.resource !== 'services')
    return free('IPAddressNotAllocated', `IPAddress ${name} appears to have been modified, not referencing a Service ${JSON.stringify(parent)}: cleaning up`) // prettier-ignore
  if (context.byName.has(owner))
    return free('IPAddressWrongReference', `IPAddress: ${name} for Service ${owner} has a wrong reference; cleaning up`)
  const age = context.nowMs - Date.parse(object.metadata.creationTimestamp ?? '')
  if (age < addressGraceMs) return
  free('IPAddressNotAllocated', `IPAddress: ${name} for Service ${owner} appears to have leaked: cleaning up`)
}

/** Upstream counts these and tells nobody: there is no object to tell it of. */
const checkPortRecord = (
  { key, revision, object }: StoredEntry,
  context: Context,
  leaks: Map<string, number>,
): void => {
  if (context.claimed.has(key) || holder(object, key, context) !== undefined) return
  const left = context.leaks.get(key) ?? roundsBeforeCleanup - 1
  if (left > 0) return void leaks.set(key, left - 1)
  const operation: StoreOperation = { kind: 'delete', key, expected: revision }
  context.steps.push({ what: 'nodePort', finding: 'leak', reason: '', message: '', operation })
}

/** What is wrong with the numbers that Services hold, compared with their records. */
export const planRepair = (state: RepairState): RepairPlan => {
  const context: Context = {
    ...state,
    now: `${new Date(state.nowMs).toISOString().slice(0, 19)}Z`,
    byName: new Map(state.services.map(service => [nameOf(service), service])),
    records: new Map([...state.addresses, ...state.ports].map(entry => [entry.key, entry])),
    claimed: new Map(),
    steps: [],
  }
  const leaks = new Map<string, number>()
  for (const service of state.services) {
    for (const address of clusterIpsOf(service)) checkAddress(address, service, context)
    for (const port of nodePortsOf(service)) checkPort(port, service, context)
  }
  for (const entry of state.addresses) checkIpAddress(entry, context)
  for (const entry of state.ports) checkPortRecord(entry, context, leaks)
  return { steps: context.steps, leaks }
}
