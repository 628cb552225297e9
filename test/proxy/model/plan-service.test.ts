import t from 'tap'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { Endpoint } from 'kubernetes-types/discovery/v1.js'
import { planService } from '../../../proxy/model/plan-service.ts'
import { at, node, service, slice } from '../cluster.ts'

const planOf = (s: Service, endpoints: Endpoint[]) => {
  const plan = planService(s, [slice(s.metadata?.name ?? '', endpoints)], node).plans[0]
  if (plan === undefined) throw new Error('no plan')
  return plan
}

const ready = { ready: true }
const terminating = { ready: false, serving: true, terminating: true }
const hinted = (address: string, zone?: string, nodeName = 'n2'): Endpoint => ({
  ...at(address, nodeName),
  ...(zone === undefined ? {} : { hints: { forZones: [{ name: zone }] } }),
})

const endpointCases: { name: string; endpoints: Endpoint[]; cluster: string[] }[] = [
  { name: 'ready endpoints are used', endpoints: [at('10.0.0.1'), at('10.0.0.2')], cluster: ['10.0.0.1', '10.0.0.2'] },
  { name: 'an unset condition means ready', endpoints: [{ addresses: ['10.0.0.1'] }], cluster: ['10.0.0.1'] },
  {
    name: 'terminating endpoints are left out while one is ready',
    endpoints: [at('10.0.0.1', 'n2', terminating), at('10.0.0.2')],
    cluster: ['10.0.0.2'],
  },
  {
    name: 'when none is ready, those that still serve are used',
    endpoints: [at('10.0.0.1', 'n2', terminating), at('10.0.0.2', 'n2', { ready: false })],
    cluster: ['10.0.0.1'],
  },
  {
    name: 'the same address in two rows counts once, and the readier row wins',
    endpoints: [at('10.0.0.1', 'n2', { ready: false }), at('10.0.0.1')],
    cluster: ['10.0.0.1'],
  },
  {
    name: 'zone hints narrow the choice when every endpoint has one',
    endpoints: [hinted('10.0.0.1', 'z1'), hinted('10.0.0.2', 'z2')],
    cluster: ['10.0.0.1'],
  },
  {
    name: 'zone hints are ignored when one endpoint has none',
    endpoints: [hinted('10.0.0.1', 'z1'), hinted('10.0.0.2')],
    cluster: ['10.0.0.1', '10.0.0.2'],
  },
  {
    name: 'zone hints are ignored when none names this zone',
    endpoints: [hinted('10.0.0.1', 'z8'), hinted('10.0.0.2', 'z9')],
    cluster: ['10.0.0.1', '10.0.0.2'],
  },
  { name: 'an endpoint with no address is left out', endpoints: [{ addresses: [] }], cluster: [] },
]
for (const { name, endpoints, cluster } of endpointCases)
  t.test(name, async t => {
    t.same(
      planOf(service('s', {}), endpoints).clusterEndpoints.map(e => e.ip),
      cluster,
    )
  })

const np = { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] } as const
const policyCases: { name: string; spec: Service['spec']; endpoints: Endpoint[]; is: object }[] = [
  { name: 'no endpoints: refused', spec: {}, endpoints: [], is: { internal: 'reject', hasEndpoints: false } },
  {
    name: 'internalTrafficPolicy Local with an endpoint here: only that one',
    spec: { internalTrafficPolicy: 'Local' },
    endpoints: [at('10.0.0.1', 'n1'), at('10.0.0.2')],
    is: { internal: 'local', clusterEndpoints: [], localEndpoints: [{ ip: '10.0.0.1' }] },
  },
  {
    name: 'internalTrafficPolicy Local with none here: dropped',
    spec: { internalTrafficPolicy: 'Local' },
    endpoints: [at('10.0.0.2')],
    is: { internal: 'drop', hasEndpoints: true },
  },
  {
    name: 'externalTrafficPolicy Local keeps all endpoints for pods and the node itself',
    spec: { ...np, ports: [...np.ports], externalTrafficPolicy: 'Local' },
    endpoints: [at('10.0.0.1', 'n1'), at('10.0.0.2')],
    is: { internal: 'cluster', external: 'local', clusterEndpoints: { length: 2 }, localEndpoints: { length: 1 } },
  },
  {
    name: 'the local fallback to terminating endpoints does not wait for the cluster’s',
    spec: { ...np, ports: [...np.ports], externalTrafficPolicy: 'Local' },
    endpoints: [at('10.0.0.1', 'n1', terminating), at('10.0.0.2', 'n2', ready)],
    is: { external: 'local', clusterEndpoints: [{ ip: '10.0.0.2' }], reachableEndpoints: { length: 2 } },
  },
  {
    name: 'affinity without a timeout is three hours',
    spec: { sessionAffinity: 'ClientIP' },
    endpoints: [],
    is: { affinitySeconds: 10800 },
  },
]
for (const { name, spec, endpoints, is } of policyCases)
  t.test(name, async t => {
    t.match(planOf(service('s', spec), endpoints), is)
  })

const left: { name: string; service: Service }[] = [
  { name: 'headless', service: service('s', { clusterIP: 'None' }) },
  { name: 'without an address yet', service: service('s', { clusterIP: '' }) },
  { name: 'ExternalName', service: service('s', { type: 'ExternalName', externalName: 'x.example' }) },
  { name: 'of the other family', service: service('s', { clusterIP: 'fd00::1' }) },
  {
    name: 'claimed by another proxy',
    service: service('s', {}, { metadata: { labels: { 'service.kubernetes.io/service-proxy-name': 'dns' } } }),
  },
]
for (const { name, service } of left)
  t.test(`a Service ${name} gets nothing`, async t => {
    t.same(planService(service, [slice('s', [at('10.0.0.1')])], node).plans, [])
  })

t.test('ports find their endpoints by name and protocol, over several slices', async t => {
  const s = service('s', {
    ports: [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ],
  })
  const slices = [
    slice('s', [at('10.0.0.1')], { ports: [{ name: 'a', port: 8080 }] }),
    slice('s', [at('10.0.0.2')], {
      ports: [
        { name: 'a', port: 9090 },
        { name: 'b', port: 9091 },
      ],
    }),
    slice('s', [at('fd00::2')], { addressType: 'IPv6', ports: [{ name: 'a', port: 1 }] }),
  ]
  const plans = planService(s, slices, node).plans
  t.same(
    plans.map(p => p.clusterEndpoints.map(e => e.address)),
    [['10.0.0.1:8080', '10.0.0.2:9090'], ['10.0.0.2:9091']],
  )
})

t.test('IPv6 Services are planned in their own family', async t => {
  const s = service('s', { clusterIP: 'fd00::10', clusterIPs: ['fd00::10'] })
  const six = slice('s', [at('fd00::2')], { addressType: 'IPv6' })
  const plan = planService(s, [six], { ...node, family: 'ip6' }).plans[0]
  t.match(plan, { clusterIp: 'fd00::10', clusterEndpoints: [{ address: '[fd00::2]:8080' }] })
})

t.test('what cannot be used is named, and the rest still counts', async t => {
  const s = service('s', {
    ports: [
      { name: 'http', port: 80 },
      { name: 'bad', port: 700000 },
    ],
  })
  const { plans, problems } = planService(s, [], node)
  t.equal(plans.length, 1)
  t.match(problems, [{ object: 'Service "default/s"', field: 'spec.ports[1]' }])
})
