import type { Service } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import { apiError } from '../../../kube/status.ts'
import { draftOf, type Draft } from '../kinds/draft.ts'
import { invalid } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { needsClusterIp, needsHealthCheckPort, needsNodePort } from '../kinds/service-update.ts'
import type { NumberTaker } from './number-taker.ts'
import { nodePortsOf } from './service-claims.ts'
import { initFamilies, isSettled } from './service-families.ts'
import type { IpFamily } from './service-range.ts'

type Spec = NonNullable<Draft<Service>['spec']>
type Port = NonNullable<Spec['ports']>[number]

export interface AllocationRequest {
  /** Filled in, in place. */
  service: UnknownObject
  /** As it is stored; undefined: it is new. */
  old: UnknownObject | undefined
  /** Of the cluster, the default one first. */
  families: readonly [IpFamily, ...IpFamily[]]
}

const internal = (why: string) => apiError('InternalError', `Internal error occurred: ${why}`)

/** Upstream's clients may know only the singular field. */
const pluralize = (spec: Spec): void => {
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
}

/**
 * Gives a Service the addresses and ports that it lacks, and takes those it asks for, in the words of upstream's
 * errors. `keys` are what was taken of `taker`, to be settled when the write is over; none are with errors.
 * Throws ApiError InternalError when a range is used up.
 */
export const allocate = (
  taker: NumberTaker,
  { service, old, families }: AllocationRequest,
): { keys: string[]; errors: FieldError[] } => {
  const draft = draftOf<Service>(service)
  const spec = (draft.spec ??= {})
  const before = old === undefined ? undefined : draftOf<Service>(old).spec
  pluralize(spec)
  const errors = initFamilies(spec, before, families)
  const keys: string[] = []
  if (errors.length > 0) return { keys, errors }
  try {
    errors.push(...takeAddresses(taker, { spec, before }, keys))
    if (errors.length === 0)
      errors.push(...takePorts(taker, { spec, held: old === undefined ? [] : nodePortsOf(old) }, keys))
  } catch (error) {
    taker.settle(keys)
    throw error
  }
  if (errors.length === 0) return { keys, errors }
  taker.settle(keys)
  return { keys: [], errors }
}

const takeAddresses = (
  taker: NumberTaker,
  { spec, before }: { spec: Spec; before: Spec | undefined },
  keys: string[],
): FieldError[] => {
  if (!needsClusterIp(spec) || spec.clusterIP === 'None') return []
  if (before !== undefined && (before.clusterIP === 'None' || isSettled(spec, before))) return []
  // What it has may not change, which is validation's to say.
  const held = needsClusterIp(before) ? (before?.clusterIPs?.length ?? 0) : 0
  const addresses = [...(spec.clusterIPs ?? [])]
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (i < held) continue
    const wanted = addresses[i] ?? ''
    const taken = taker.address(family, wanted)
    if ('why' in taken) {
      if (wanted === '') throw internal(`failed to allocate a serviceIP: ${taken.why}`)
      return [invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${wanted}: ${taken.why}`)]
    }
    keys.push(taken.key)
    addresses[i] = taken.address
  }
  if (addresses.length > 0) {
    spec.clusterIPs = addresses
    spec.clusterIP ||= addresses[0] ?? ''
  }
  return []
}

const takePorts = (
  taker: NumberTaker,
  { spec, held }: { spec: Spec; held: readonly number[] },
  keys: string[],
): FieldError[] => {
  const outside = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  const ports = outside ? (spec.ports ?? []) : []
  // Its own: what it had, and what it has got in this write; TCP and UDP may share a number.
  const own = new Set(held)
  const errors: FieldError[] = []
  // Those who name a port come first: what is chosen at random must not meet them.
  for (const [i, { nodePort }] of ports.entries()) {
    if (!nodePort || own.has(nodePort)) continue
    const taken = taker.port(nodePort)
    if ('why' in taken) errors.push(invalid(`spec.ports[${i}].nodePort`, nodePort, taken.why))
    else keys.push(taken.key)
    own.add(nodePort)
  }
  if (errors.length > 0) return errors
  if (needsHealthCheckPort(spec)) takeHealthCheckPort(taker, { spec, held }, keys)
  if (needsNodePort(spec))
    for (const port of ports) if (!port.nodePort) port.nodePort = twinPort(port, ports) ?? takeAnyPort(taker, keys)
  return []
}

/** The number of the port of another protocol with the same port number, which this one shares. */
const twinPort = (port: Port, ports: readonly Port[]): number | undefined => {
  const twin = ports.find(p => p.nodePort && p.port === port.port && p.protocol !== port.protocol)?.nodePort
  return twin && !ports.some(p => p.nodePort === twin && p.protocol === port.protocol) ? twin : undefined
}

const takeAnyPort = (taker: NumberTaker, keys: string[]): number => {
  const taken = taker.port(0)
  if ('why' in taken) throw internal(`failed to allocate a nodePort: ${taken.why}`)
  keys.push(taken.key)
  return taken.port
}

const takeHealthCheckPort = (
  taker: NumberTaker,
  { spec, held }: { spec: Spec; held: readonly number[] },
  keys: string[],
): void => {
  const wanted = spec.healthCheckNodePort ?? 0
  if (wanted !== 0 && held.includes(wanted)) return
  const taken = taker.port(wanted)
  if ('why' in taken)
    throw internal(
      wanted === 0
        ? `failed to allocate a HealthCheck NodePort 0: ${taken.why}`
        : `failed to allocate requested HealthCheck NodePort ${wanted}: ${taken.why}`,
    )
  keys.push(taken.key)
  spec.healthCheckNodePort = taken.port
}
