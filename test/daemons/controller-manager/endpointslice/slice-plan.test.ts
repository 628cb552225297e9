import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import fc from 'fast-check'
import t from 'tap'
import { planMirror } from '../../../../daemons/controller-manager/endpointslice/mirroring-plan.ts'
import { packSlices } from '../../../../daemons/controller-manager/endpointslice/slice-packing.ts'
import { planSlices, type SliceInput } from '../../../../daemons/controller-manager/endpointslice/slice-plan.ts'
import type { Write } from '../../../../daemons/controller-manager/write.ts'
import { node, pod, service } from '../objects.ts'

const plan = (input: Partial<SliceInput>) =>
  planSlices({ service: service('web'), pods: [], nodes: new Map(), known: [], maxEndpoints: 100, ...input })

const made = (writes: readonly Write[]): EndpointSlice[] =>
  writes.flatMap((write, i) =>
    write.kind === 'create'
      ? [{ ...(write.object as EndpointSlice), metadata: { ...write.object.metadata, name: `s${i}`, uid: `s${i}` } }]
      : [],
  )

t.test('each pod is an endpoint with its state, node, zone and name', async t => {
  const zoned = node('n1')
  zoned.metadata = { ...zoned.metadata, labels: { 'topology.kubernetes.io/zone': 'z1' } }
  const pods = [
    pod('a', { ip: '10.244.0.8', node: 'n1' }),
    pod('b', { ip: '10.244.0.9', ready: false }),
    pod('c', { ip: '10.244.0.10', deleting: true, spec: { hostname: 'c-0', subdomain: 'web' } }),
  ]
  t.match(plan({ pods, nodes: new Map([['n1', zoned]]) }), [
    {
      kind: 'create',
      object: {
        addressType: 'IPv4',
        metadata: {
          generateName: 'web-',
          labels: {
            team: 'a',
            'kubernetes.io/service-name': 'web',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
          ownerReferences: [{ kind: 'Service', name: 'web', controller: true }],
        },
        ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
        endpoints: [
          {
            addresses: ['10.244.0.8'],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: 'n1',
            zone: 'z1',
          },
          { addresses: ['10.244.0.9'], conditions: { ready: false, serving: false, terminating: false } },
          {
            addresses: ['10.244.0.10'],
            conditions: { ready: false, serving: true, terminating: true },
            hostname: 'c-0',
          },
        ],
      },
    },
  ])
})

t.test('a service without pods has one empty slice, and keeps it', async t => {
  const writes = plan({})
  t.match(writes, [{ kind: 'create', object: { endpoints: [], ports: [] } }])
  t.same(plan({ known: made(writes) }), [])
})

t.test('the empty slice is taken over by the first endpoints', async t => {
  const known = made(plan({}))
  t.match(plan({ known, pods: [pod('a', { ip: '10.244.0.8' })] }), [
    {
      kind: 'update',
      object: { metadata: { name: 's0' }, ports: [{ port: 8080 }], endpoints: [{ addresses: ['10.244.0.8'] }] },
    },
  ])
})

t.test('unchanged pods are no write, a changed one is one write', async t => {
  const pods = [pod('a', { ip: '10.244.0.8' }), pod('b', { ip: '10.244.0.9' })]
  const known = made(plan({ pods }))
  t.same(plan({ pods: [...pods].reverse(), known }), [])
  const writes = plan({ pods: [pod('a', { ip: '10.244.0.8', ready: false }), pods[1]!], known })
  t.match(writes, [{ kind: 'update', object: { endpoints: [{ conditions: { ready: false } }, {}] } }])
})

t.test('publishNotReadyAddresses makes an endpoint ready without it serving', async t => {
  const early = service('web', { publishNotReadyAddresses: true })
  t.match(plan({ service: early, pods: [pod('a', { ip: '10.244.0.8', ready: false })] }), [
    { object: { endpoints: [{ conditions: { ready: true, serving: false } }] } },
  ])
})

t.test('each family of a dual-stack service has slices of its own', async t => {
  const dual = service('web', { ipFamilies: ['IPv4', 'IPv6'] })
  const both = pod('a', { ip: '10.244.0.8' })
  const pods = [{ ...both, status: { ...both.status, podIPs: [{ ip: '10.244.0.8' }, { ip: 'fd00::8' }] } }]
  t.match(plan({ service: dual, pods }), [
    { object: { addressType: 'IPv4', endpoints: [{ addresses: ['10.244.0.8'] }] } },
    { object: { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::8'] }] } },
  ])
})

const endpoint = (i: number) => ({
  addresses: [`10.0.0.${i}`],
  targetRef: { kind: 'Pod', name: `p${i}`, namespace: 'd', uid: `u${i}` },
})
const slice = (name: string, ids: readonly number[]): EndpointSlice => ({
  addressType: 'IPv4',
  metadata: { name },
  endpoints: ids.map(endpoint),
})

t.test('whatever changes, every endpoint stands in one slice, none is too full, untouched ones stay', async () => {
  const ids = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 })
  fc.assert(
    fc.property(ids, ids, fc.integer({ min: 1, max: 10 }), (before, after, most) => {
      const slices: EndpointSlice[] = []
      for (let i = 0; i < before.length; i += most) slices.push(slice(`s${i}`, before.slice(i, i + most)))
      const { kept, created, removed } = packSlices(slices, after.map(endpoint), most)
      const contents = [...kept.map(({ slice: one, endpoints }) => endpoints ?? one.endpoints), ...created]
      const placed = contents
        .flat()
        .map(one => one.addresses[0] ?? '')
        .sort()
      const wanted = after.map(id => `10.0.0.${id}`).sort()
      return (
        JSON.stringify(placed) === JSON.stringify(wanted) &&
        contents.every(content => content.length <= most) &&
        kept.length + removed.length === slices.length
      )
    }),
  )
})

t.test('one more endpoint costs one write', async t => {
  const slices = [slice('a', [1, 2, 3]), slice('b', [4])]
  const { kept, created } = packSlices(slices, [1, 2, 3, 4, 5].map(endpoint), 3)
  t.same(created, [])
  t.same(
    kept.map(one => one.endpoints?.length),
    [undefined, 2],
  )
})

t.test('hand-written Endpoints are mirrored, and the mirror goes with them', async t => {
  const endpoints = {
    apiVersion: 'v1' as const,
    kind: 'Endpoints' as const,
    metadata: { name: 'ext', namespace: 'default', uid: 'e', labels: { a: 'b' } },
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], notReadyAddresses: [{ ip: '2001:db8::1' }], ports: [{ port: 80 }] }],
  }
  const writes = planMirror(endpoints, [], 100)
  t.match(writes, [
    { object: { addressType: 'IPv4', endpoints: [{ conditions: { ready: true } }], metadata: { labels: { a: 'b' } } } },
    { object: { addressType: 'IPv6', endpoints: [{ conditions: { ready: false } }] } },
  ])
  t.same(planMirror(endpoints, made(writes), 100), [])
  t.match(planMirror(undefined, made(writes), 100), [{ kind: 'delete' }, { kind: 'delete' }])
})
