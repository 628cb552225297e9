import t from 'tap'
import type { Service } from 'kubernetes-types/core/v1.js'
import { AllocationMetrics } from '../../../../daemons/apiserver/allocation/allocation-metrics.ts'
import { NumberTaker } from '../../../../daemons/apiserver/allocation/number-taker.ts'
import { allocate } from '../../../../daemons/apiserver/allocation/service-allocator.ts'
import { parsePortRange, parseServiceRanges } from '../../../../daemons/apiserver/allocation/service-range.ts'
import { ServiceRanges } from '../../../../daemons/apiserver/allocation/service-ranges.ts'
import { draftOf } from '../../../../daemons/apiserver/kinds/draft.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { SharedState } from './shared-store.ts'

const make = (range = '10.96.0.0/16', portRange = '30000-32767') => {
  const store = new SharedState().view()
  const ranges = new ServiceRanges(store, parseServiceRanges(range))
  const ports = parsePortRange(portRange)
  const taker = new NumberTaker({ store, ranges, ports, metrics: new AllocationMetrics(), random: Math.random })
  const run = (service: UnknownObject, old?: UnknownObject) =>
    allocate(taker, { service, old, families: ranges.families })
  return { taker, run }
}

const row = (spec: object): UnknownObject => ({
  metadata: { namespace: 'default', name: 'web' },
  spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }], ...spec },
})
const specOf = (object: UnknownObject) => draftOf<Service>(object).spec
const texts = (errors: readonly { field: string; message: string }[]) => errors.map(e => `${e.field}: ${e.message}`)
const nodePort = (port: number) => [{ port: 80, protocol: 'TCP', nodePort: port }]

t.test('a Service without an address gets one from above the low band', async t => {
  const service = row({})
  t.same(make().run(service).errors, [])
  const ip = specOf(service)?.clusterIP ?? ''
  t.match(ip, /^10\.96\.\d+\.\d+$/)
  t.same(specOf(service)?.clusterIPs, [ip])
  t.not(ip.split('.')[2], '0', 'the first 256 are for those who choose')
})

for (const { name, spec, message } of [
  {
    name: 'an address that another write is taking',
    spec: { clusterIP: '10.96.0.10' },
    message:
      'spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
  },
  {
    name: 'an address outside every range',
    spec: { clusterIP: '10.0.0.1' },
    message:
      'spec.clusterIPs: Invalid value: ["10.0.0.1"]: failed to allocate IP 10.0.0.1: the provided network does not match the current range',
  },
  {
    name: "the network's own address",
    spec: { clusterIP: '10.96.0.0' },
    message:
      'spec.clusterIPs: Invalid value: ["10.96.0.0"]: failed to allocate IP 10.96.0.0: the provided network does not match the current range',
  },
  {
    name: 'a port that another write is taking',
    spec: { type: 'NodePort', ports: nodePort(30080) },
    message: 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
  },
  {
    name: 'a port outside the range',
    spec: { type: 'NodePort', ports: nodePort(80) },
    message:
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
  },
  {
    name: 'a named port of a load balancer that gets none of its own accord',
    spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: nodePort(30080) },
    message: 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
  },
])
  t.test(`${name} is refused in the words of upstream, and nothing is taken`, async t => {
    const { run } = make()
    run(row({ type: 'NodePort', clusterIP: '10.96.0.10', ports: nodePort(30080) }))
    const { errors, keys } = run(row(spec))
    t.same(texts(errors), [message])
    t.same(keys, [])
  })

for (const { name, spec } of [
  { name: 'a headless Service', spec: { clusterIP: 'None' } },
  { name: 'an ExternalName', spec: { type: 'ExternalName', ports: [] } },
  { name: 'a load balancer without node ports', spec: { clusterIP: 'None', type: 'LoadBalancer', allocateLoadBalancerNodePorts: false } }, // prettier-ignore
])
  t.test(`${name} takes nothing`, async t => {
    t.same(make().run(row(spec)), { keys: [], errors: [] })
  })

t.test('a failed write gives back what it took', async t => {
  const { run, taker } = make()
  const wanted = () => row({ type: 'NodePort', clusterIP: '10.96.0.9', ports: nodePort(30080) })
  const { keys } = run(wanted())
  t.equal(keys.length, 2)
  t.equal(run(wanted()).errors.length, 1)
  taker.settle(keys)
  t.same(run(wanted()).errors, [])
})

t.test('a refused Service leaves the address it named to others', async t => {
  const { run } = make()
  run(row({ type: 'NodePort', ports: nodePort(30080) }))
  t.equal(run(row({ type: 'NodePort', clusterIP: '10.96.0.9', ports: nodePort(30080) })).errors.length, 1)
  t.same(run(row({ clusterIP: '10.96.0.9' })).errors, [])
})

t.test('TCP and UDP of one port share their node port', async t => {
  const service = row({
    type: 'NodePort',
    ports: [
      { name: 'a', port: 53, protocol: 'UDP' },
      { name: 'b', port: 53, protocol: 'TCP' },
      { name: 'c', port: 80, protocol: 'TCP' },
    ],
  })
  make().run(service)
  const [a, b, c] = (specOf(service)?.ports ?? []).map(p => p.nodePort)
  t.ok(a)
  t.equal(a, b)
  t.not(a, c)
})

t.test('what a Service has it need not take again', async t => {
  const ports = nodePort(30080)
  const old = row({ type: 'NodePort', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ports })
  t.same(make().run(structuredClone(old), old).keys, [])
})

t.test('a load balancer that keeps traffic local gets a port for health checks', async t => {
  const service = row({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
  make().run(service)
  t.ok((specOf(service)?.healthCheckNodePort ?? 0) >= 30000)
  t.not(specOf(service)?.healthCheckNodePort, specOf(service)?.ports?.[0]?.nodePort)
})

t.test('a port for health checks that is taken is an internal error of the server', async t => {
  const { run } = make()
  run(row({ type: 'NodePort', ports: nodePort(30080) }))
  t.throws(() => run(row({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30080 })), {
    message:
      'Internal error occurred: failed to allocate requested HealthCheck NodePort 30080: provided port is already allocated',
  })
})

t.test('a range that is used up is an internal error of the server', async t => {
  const { run } = make('10.96.0.0/30', '30000-30000')
  run(row({}))
  run(row({}))
  t.throws(() => run(row({})), {
    message: 'Internal error occurred: failed to allocate a serviceIP: range is full',
  })
})

t.test('a port too many is an internal error, and the address goes back', async t => {
  const { run } = make('10.96.0.0/30', '30000-30000')
  run(row({ type: 'NodePort', clusterIP: 'None' }))
  t.throws(() => run(row({ type: 'NodePort' })), {
    message: 'Internal error occurred: failed to allocate a nodePort: range is full',
  })
  t.same(run(row({})).errors, [])
  t.same(run(row({})).errors, [])
})

t.test('a dual-stack Service gets an address of each family, in its order', async t => {
  const service = row({ ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] })
  t.equal(make('10.96.0.0/16,fd00:96::/108').run(service).keys.length, 2)
  const [six = '', four = ''] = specOf(service)?.clusterIPs ?? []
  t.match(six, /^fd00:96::/)
  t.match(four, /^10\.96\./)
  t.equal(specOf(service)?.clusterIP, six)
})

t.test('an upgrade takes the second address alone, a downgrade keeps the first', async t => {
  const { run } = make('10.96.0.0/16,fd00:96::/108')
  const single = row({ clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }) // prettier-ignore
  const dual = structuredClone(single)
  Object.assign(specOf(dual) ?? {}, { ipFamilyPolicy: 'PreferDualStack' })
  t.equal(run(dual, single).keys.length, 1)
  t.match(specOf(dual), { clusterIPs: ['10.96.0.9', /^fd00:96::/], ipFamilies: ['IPv4', 'IPv6'] })
  const again = structuredClone(dual)
  Object.assign(specOf(again) ?? {}, { ipFamilyPolicy: 'SingleStack' })
  t.same(run(again, dual), { keys: [], errors: [] })
  t.match(specOf(again), { clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv4'] })
})
