import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Event } from 'kubernetes-types/core/v1.js'
import { servicesPrefix } from '../../../../daemons/apiserver/allocation/repair-loop.ts'
import {
  ipAddressKey,
  ipAddressPrefix,
  nodePortKey,
  parentOf,
} from '../../../../daemons/apiserver/allocation/service-claims.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { events, services } from '../../../../kube/resources.ts'
import { findings, service, startServers, stored } from './test-servers.ts'

const ip = '10.96.0.9'
const port = 30009

/** A server with the Service `web`, and what a test does behind its back. */
const setUp = async (t: Test) => {
  const { servers, state, clock, another } = await startServers(1)
  const [server] = servers
  if (server === undefined) throw new TypeError('no server')
  const { client, repair, view } = server
  await client.create(services, service('web', { type: 'NodePort', clusterIP: ip, ports: [{ port: 80, nodePort: port }] })) // prettier-ignore
  const put = (key: string, object: UnknownObject) => view.transact([{ kind: 'put', key, object }])
  const remove = (key: string) => view.transact([{ kind: 'delete', key }])
  const change = (key: string, edit: (object: UnknownObject) => void) => {
    const object = structuredClone(view.get(key)?.object ?? {})
    edit(object)
    return put(key, object)
  }
  /** Reason, object and message of every Event so far, once they are written. */
  const told = async (count: number): Promise<string[]> => {
    for (let i = 0; i < 200; i++) {
      const { items } = await client.list(events)
      if (items.length >= count) return items.map(textOf).sort()
      await new Promise(done => setImmediate(done))
    }
    t.fail(`${count} Events were to come`)
    return []
  }
  /** A copy of `web` under another name, as only a fault could make it. */
  const twin = () => {
    const copy = structuredClone(view.get(`${servicesPrefix}default/web`)?.object ?? {})
    copy.metadata = { ...copy.metadata, name: 'twin', uid: 'twin' }
    return put(`${servicesPrefix}default/twin`, copy)
  }
  return { client, repair, view, state, clock, put, remove, change, told, twin, another }
}
const textOf = ({ reason, involvedObject, message, type }: Event): string =>
  `${type} ${reason} ${involvedObject.kind}/${involvedObject.name}: ${message}`

t.test('a number without a record gets one, and its Service is told', async t => {
  const { repair, remove, view, told } = await setUp(t)
  await remove(ipAddressKey(ip))
  await remove(nodePortKey(port))
  // Another record, so that this is no state from before there were any.
  await view.transact([{ kind: 'put', key: nodePortKey(30050), object: { metadata: { name: '30050' } } }])
  await repair.run()
  t.same(await told(2), [
    `Warning ClusterIPNotAllocated Service/web: Cluster IP [IPv4]: ${ip} is not allocated; repairing`,
    `Warning PortNotAllocated Service/web: Port ${port} is not allocated; repairing`,
  ])
  t.match(view.get(ipAddressKey(ip))?.object, {
    metadata: {
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
  })
  t.equal(parentOf(view.get(nodePortKey(port))?.object ?? {}).name, 'web')
})

t.test('a state from before there were records gets them without a word', async t => {
  const { repair, remove, view, client } = await setUp(t)
  await remove(ipAddressKey(ip))
  await remove(nodePortKey(port))
  await repair.run()
  t.ok(view.get(ipAddressKey(ip)))
  t.ok(view.get(nodePortKey(port)))
  t.same((await client.list(events)).items, [])
})

t.test('a number that two Services hold stays with the first, and the second is told', async t => {
  const { repair, twin, told, view } = await setUp(t)
  await twin()
  await repair.run()
  t.same(await told(2), [
    `Warning ClusterIPAlreadyAllocated Service/twin: Cluster IP [IPv4]:${ip} was assigned to multiple services; please recreate service`,
    `Warning PortAlreadyAllocated Service/twin: Port ${port} was assigned to multiple services; please recreate service`,
  ])
  t.equal(parentOf(view.get(ipAddressKey(ip))?.object ?? {}).name, 'web')
})

t.test('deleting the second of two that hold a number leaves it with the first', async t => {
  const { client, twin, view } = await setUp(t)
  await twin()
  await client.delete(services, 'twin', { namespace: 'default' })
  t.ok(view.get(ipAddressKey(ip)))
  t.ok(view.get(nodePortKey(port)))
  await client.delete(services, 'web', { namespace: 'default' })
  t.equal(view.get(ipAddressKey(ip)), undefined)
  t.equal(view.get(nodePortKey(port)), undefined)
})

for (const { name, spec, message } of [
  {
    name: 'an address outside every range',
    spec: { clusterIP: '192.0.2.1', clusterIPs: ['192.0.2.1'] },
    message:
      'ClusterIPOutOfRange Service/web: Cluster IP [IPv4]: 192.0.2.1 is not within any configured Service CIDR; please recreate service',
  },
  {
    name: 'what is no address',
    spec: { clusterIP: '10.96.0', clusterIPs: ['10.96.0'] },
    message: 'ClusterIPNotValid Service/web: Cluster IP 10.96.0 is not a valid IP; please recreate Service',
  },
  {
    name: 'a port outside the range',
    spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 20000 }] },
    message: 'PortOutOfRange Service/web: Port 20000 is not within the port range 30000-30099; please recreate service',
  },
])
  t.test(`${name} is told, and left as it is`, async t => {
    const { repair, change, told } = await setUp(t)
    await change(`${servicesPrefix}default/web`, object => Object.assign(object['spec'] as object, spec))
    await repair.run()
    t.ok((await told(1)).includes(`Warning ${message}`))
  })

t.test('an address whose Service is gone is freed after a minute', async t => {
  const { repair, remove, view, clock, told } = await setUp(t)
  await remove(`${servicesPrefix}default/web`)
  await repair.run()
  t.ok(view.get(ipAddressKey(ip)), 'its Service may still be on its way')
  await clock.advance(60_000)
  await repair.run()
  t.equal(view.get(ipAddressKey(ip)), undefined)
  t.same(await told(1), [
    `Warning IPAddressNotAllocated IPAddress/${ip}: IPAddress: ${ip} for Service default/web appears to have leaked: cleaning up`,
  ])
})

t.test('a port whose Service is gone is freed when it is seen for the third time', async t => {
  const { repair, remove, view } = await setUp(t)
  await remove(`${servicesPrefix}default/web`)
  for (const there of [true, true, false]) {
    await repair.run()
    t.equal(view.get(nodePortKey(port)) !== undefined, there)
  }
})

t.test('an address that its Service does not have is freed', async t => {
  const { repair, put, view, told } = await setUp(t)
  const key = ipAddressKey('10.96.0.77')
  const object = structuredClone(view.get(ipAddressKey(ip))?.object ?? {})
  await put(key, { ...object, metadata: { ...object.metadata, name: '10.96.0.77' } })
  await repair.run()
  t.equal(view.get(key), undefined)
  t.same(await told(1), [
    'Warning IPAddressWrongReference IPAddress/10.96.0.77: IPAddress: 10.96.0.77 for Service default/web has a wrong reference; cleaning up',
  ])
})

t.test('an IPAddress that somebody else manages is left alone, and its address with it', async t => {
  const { repair, put, client, view } = await setUp(t)
  const key = ipAddressKey('10.96.0.78')
  const spec = { parentRef: { group: 'gateway.networking.k8s.io', resource: 'gateways', name: 'edge' } }
  await put(key, { kind: 'IPAddress', apiVersion: 'networking.k8s.io/v1', metadata: { name: '10.96.0.78' }, spec })
  await repair.run()
  t.ok(view.get(key))
  await t.rejects(client.create(services, service('other', { clusterIP: '10.96.0.78' })), {
    message: /provided IP is already allocated/,
  })
})

t.test('labels that somebody took off are put on again', async t => {
  const { repair, change, view } = await setUp(t)
  await change(ipAddressKey(ip), object => delete object.metadata?.labels)
  await repair.run()
  t.equal(view.get(ipAddressKey(ip))?.object.metadata?.labels?.['ipaddress.kubernetes.io/ip-family'], 'IPv4')
})

t.test('an IPAddress that somebody deletes is back at once, while its Service is there', async t => {
  const { repair, remove, view, told } = await setUp(t)
  const stop = repair.start()
  await remove(ipAddressKey(ip))
  t.match(await told(1), [/ClusterIPNotAllocated Service\/web/])
  t.ok(view.get(ipAddressKey(ip)))
  stop()
})

t.test('the loop looks every three minutes', async t => {
  const { repair, remove, view, clock, state } = await setUp(t)
  const stop = repair.start()
  await remove(nodePortKey(port))
  await clock.advance(180_000)
  for (let i = 0; i < 200 && view.get(nodePortKey(port)) === undefined; i++)
    await new Promise(done => setImmediate(done))
  t.ok(view.get(nodePortKey(port)))
  stop()
  t.equal(stored(state, ipAddressPrefix).length, 1)
})

t.test('two servers that repair at once write it once', async t => {
  const { repair, remove, another, state } = await setUp(t)
  const other = another()
  await remove(nodePortKey(port))
  await Promise.all([repair.run(), other.repair.run()])
  const writes = state.log.filter(({ type, entry }) => type === 'put' && entry.key === nodePortKey(port))
  t.equal(writes.length, 2, 'its own, and one repair')
})

const tampering = fc.record({
  what: fc.constantFrom('remove the record', 'remove the Service', 'name another owner', 'take off the labels'),
  of: fc.nat({ max: 3 }),
  port: fc.boolean(),
})

t.test(
  'whatever is done behind its back, four rounds later every number has its record and none belongs to nobody',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tampering, { maxLength: 12 }), async steps => {
        const { servers, state, clock } = await startServers(1)
        const [server] = servers
        if (server === undefined) throw new TypeError('no server')
        const { client, repair, view } = server
        const made = await Promise.all(
          [0, 1, 2, 3].map(n => client.create(services, service(`s${n}`, { type: 'NodePort' }))),
        )
        for (const { what, of, port: ofPort } of steps) {
          const { spec } = made[of] ?? {}
          const record = ofPort ? nodePortKey(spec?.ports?.[0]?.nodePort ?? 0) : ipAddressKey(spec?.clusterIP ?? '')
          const key = what === 'remove the Service' ? `${servicesPrefix}default/s${of}` : record
          const object = structuredClone(view.get(key)?.object)
          if (object === undefined) continue
          if (what.startsWith('remove')) await view.transact([{ kind: 'delete', key }])
          else {
            if (what === 'take off the labels') delete object.metadata?.labels
            else object['spec'] = { parentRef: { resource: 'services', namespace: 'default', name: 'nobody' } }
            await view.transact([{ kind: 'put', key, object }])
          }
        }
        for (let round = 0; round < 4; round++) {
          await clock.advance(60_000)
          await repair.run()
        }
        // An address without the allocator's label is somebody else's, as long as no Service has it.
        const left = findings(state).filter(text => {
          const record = state.index.get(text.replace(' belongs to nobody', ''))
          return (
            record === undefined || record.object.metadata?.labels !== undefined || record.key.includes('/nodeports/')
          )
        })
        if (left.length > 0) throw new Error(left.join('; '))
      }),
      { numRuns: 60 },
    )
  },
)
