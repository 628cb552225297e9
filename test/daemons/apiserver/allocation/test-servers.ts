import type { Service } from 'kubernetes-types/core/v1.js'
import { namespaceLifecycle } from '../../../../daemons/apiserver/admission/namespace-lifecycle.ts'
import { serviceAllocationPlugin } from '../../../../daemons/apiserver/admission/service-allocation.ts'
import { AllocationMetrics } from '../../../../daemons/apiserver/allocation/allocation-metrics.ts'
import { NumberRepair, servicesPrefix } from '../../../../daemons/apiserver/allocation/repair-loop.ts'
import {
  clusterIpsOf,
  ipAddressKey,
  ipAddressPrefix,
  nodePortKey,
  nodePortPrefix,
  nodePortsOf,
} from '../../../../daemons/apiserver/allocation/service-claims.ts'
import { parsePortRange, parseServiceRanges } from '../../../../daemons/apiserver/allocation/service-range.ts'
import { ServiceRanges } from '../../../../daemons/apiserver/allocation/service-ranges.ts'
import { alwaysAllow } from '../../../../daemons/apiserver/auth/authorizer.ts'
import { tokenChain } from '../../../../daemons/apiserver/auth/tokens/token-authenticator.ts'
import { InProcessClient } from '../../../../daemons/apiserver/in-process-client.ts'
import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import { Registry } from '../../../../daemons/apiserver/registry/registry.ts'
import { ensureNamespaces } from '../../../../daemons/apiserver/registry/system-objects.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { SharedState, type SharedView } from './shared-store.ts'

export interface ServerOptions {
  serviceClusterIpRange?: string
  serviceNodePortRange?: string
  random?: () => number
}

const serverOn = (view: SharedView, clock: FakeClock, options: ServerOptions) => {
  const { serviceClusterIpRange = '10.96.0.0/24', serviceNodePortRange = '30000-30099', random } = options
  const metrics = new AllocationMetrics()
  const ranges = { serviceClusterIpRange, serviceNodePortRange }
  const plugins = [
    namespaceLifecycle,
    serviceAllocationPlugin({ ...ranges, metrics, ...(random === undefined ? {} : { random }) }),
  ]
  const registry = new Registry({
    store: view,
    kinds: builtinKinds,
    plugins,
    authorizer: alwaysAllow,
    tokens: tokenChain([]),
    clock,
  })
  const client = new InProcessClient(registry, { name: 'admin', groups: ['system:masters'] })
  const errors: unknown[] = []
  const repair = new NumberRepair({
    store: view,
    client,
    ranges: new ServiceRanges(view, parseServiceRanges(serviceClusterIpRange)),
    ports: parsePortRange(serviceNodePortRange),
    metrics,
    clock,
    onError: error => errors.push(error),
  })
  return { registry, client, repair, view, metrics, errors }
}

export type TestServer = ReturnType<typeof serverOn>

/** API servers (registry, client, repair loop) on one shared state. */
export const startServers = async (count: number, options: ServerOptions = {}) => {
  const state = new SharedState()
  const clock = new FakeClock()
  const servers = Array.from({ length: count }, () => serverOn(state.view(), clock, options))
  for (const { client, view } of servers) {
    view.catchUp()
    await ensureNamespaces(client)
  }
  /** Another process on the same state: what the last one had in memory is gone. */
  const another = (more: ServerOptions = {}) => serverOn(state.view(), clock, { ...options, ...more })
  return { state, clock, servers, another }
}

export const service = (name: string, spec: object = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
})

/** The stored objects below a prefix. */
export const stored = ({ index }: SharedState, prefix: string): UnknownObject[] =>
  index.range({ prefix }).entries.map(({ object }) => object)

/** What is wrong with the numbers that are stored: a Service and a record each, one to one. */
export const findings = (state: SharedState): string[] => {
  const found: string[] = []
  const held = new Set<string>()
  for (const one of stored(state, servicesPrefix))
    for (const key of [...clusterIpsOf(one).map(ipAddressKey), ...nodePortsOf(one).map(nodePortKey)]) {
      if (held.has(key)) found.push(`${key} is held twice`)
      held.add(key)
      if (state.index.get(key) === undefined) found.push(`${key} has no record`)
    }
  for (const prefix of [ipAddressPrefix, nodePortPrefix])
    for (const { key } of state.index.range({ prefix }).entries)
      if (!held.has(key)) found.push(`${key} belongs to nobody`)
  return found
}
