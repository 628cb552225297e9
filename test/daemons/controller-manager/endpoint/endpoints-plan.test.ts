import type { Endpoints } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { planEndpoints } from '../../../../daemons/controller-manager/endpoint/endpoints-plan.ts'
import { pod, service } from '../objects.ts'

const web = service('web')

t.test('ready pods are addresses, others notReadyAddresses, sorted, with the named port looked up', async t => {
  const pods = [
    pod('b', { ip: '10.244.0.9', node: 'n1' }),
    pod('a', { ip: '10.244.0.8' }),
    pod('c', { ip: '10.244.0.7', ready: false }),
    pod('done', { ip: '10.244.0.6', phase: 'Succeeded' }),
    pod('going', { ip: '10.244.0.5', deleting: true }),
    pod('no-address'),
  ]
  const [write] = planEndpoints(web, pods, undefined)
  t.match(write, {
    kind: 'create',
    object: {
      metadata: { name: 'web', labels: { team: 'a', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' } },
      subsets: [
        {
          addresses: [
            { ip: '10.244.0.8', targetRef: { kind: 'Pod', name: 'a', uid: 'p-a' } },
            { ip: '10.244.0.9', nodeName: 'n1' },
          ],
          notReadyAddresses: [{ ip: '10.244.0.7' }],
          ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
        },
      ],
    },
  })
})

t.test('the same pods in another order are no write', async t => {
  const pods = [pod('a', { ip: '10.244.0.8' }), pod('b', { ip: '10.244.0.9' })]
  const [write] = planEndpoints(web, pods, undefined)
  const known = write?.kind === 'create' ? (write.object as Endpoints) : undefined
  t.same(planEndpoints(web, pods.reverse(), known), [])
})

t.test('publishNotReadyAddresses makes every pod an address, those on their way out too', async t => {
  const early = service('web', { publishNotReadyAddresses: true })
  const pods = [pod('a', { ip: '10.244.0.8', ready: false }), pod('b', { ip: '10.244.0.9', deleting: true })]
  t.match(planEndpoints(early, pods, undefined), [
    {
      object: { subsets: [{ addresses: [{ ip: '10.244.0.8' }, { ip: '10.244.0.9' }], notReadyAddresses: undefined }] },
    },
  ])
})

t.test('a headless service without ports has addresses without ports, with hostnames', async t => {
  const headless = service('web', { clusterIP: 'None', ports: [] })
  const named = pod('a', { ip: '10.244.0.8', spec: { hostname: 'a-0', subdomain: 'web' } })
  const [write] = planEndpoints(headless, [named], undefined)
  t.match(write, {
    object: {
      metadata: { labels: { 'service.kubernetes.io/headless': '' } },
      subsets: [{ addresses: [{ ip: '10.244.0.8', hostname: 'a-0' }], ports: undefined }],
    },
  })
})

t.test('pods that serve a port under different numbers stand in different subsets', async t => {
  const other = pod('b', {
    ip: '10.244.0.9',
    spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 9090 }] }] },
  })
  const [write] = planEndpoints(web, [pod('a', { ip: '10.244.0.8' }), other], undefined)
  t.match(write, { object: { subsets: [{ ports: [{ port: 8080 }] }, { ports: [{ port: 9090 }] }] } })
})

t.test('more than a thousand addresses are cut, ready ones kept, and marked', async t => {
  const pods = Array.from({ length: 1100 }, (_, i) =>
    pod(`p${i}`, { ip: `10.244.${i >> 8}.${i & 255}`, ready: i >= 200 }),
  )
  const [write] = planEndpoints(web, pods, undefined)
  const object =
    write?.kind === 'create' ? (write.object as { subsets?: { addresses?: []; notReadyAddresses?: [] }[] }) : {}
  t.equal(object.subsets?.[0]?.addresses?.length, 900)
  t.equal(object.subsets?.[0]?.notReadyAddresses?.length, 100)
  t.match(write, { object: { metadata: { annotations: { 'endpoints.kubernetes.io/over-capacity': 'truncated' } } } })
})

t.test('the object goes with its service; one without a selector is left to its owner', async t => {
  const known = {
    apiVersion: 'v1' as const,
    kind: 'Endpoints' as const,
    metadata: { name: 'web', namespace: 'default', uid: 'e' },
  }
  t.match(planEndpoints(undefined, [], known), [{ kind: 'delete', name: 'web' }])
  const { selector: _, ...spec } = web.spec ?? {}
  t.same(planEndpoints({ ...web, spec }, [], known), [])
})
