import fc from 'fast-check'
import t from 'tap'
import type { Service } from 'kubernetes-types/core/v1.js'
import { ServiceAllocator } from '../../../../daemons/apiserver/allocation/service-allocator.ts'
import type { Draft } from '../../../../daemons/apiserver/kinds/draft.ts'

type Row = Draft<Service>

const make = (options: Partial<ConstructorParameters<typeof ServiceAllocator>[0]> = {}) =>
  new ServiceAllocator({ serviceClusterIpRange: '10.96.0.0/16', serviceNodePortRange: '30000-32767', ...options })

const row = (spec: object): Row => ({ spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }], ...spec } })
const texts = (errors: readonly { field: string; message: string }[]) => errors.map(e => `${e.field}: ${e.message}`)

t.test('a Service without an address gets one from above the low band', async t => {
  const service = row({})
  t.same(make().allocate(service, undefined).errors, [])
  const ip = service.spec?.clusterIP ?? ''
  t.match(ip, /^10\.96\.\d+\.\d+$/)
  t.same(service.spec?.clusterIPs, [ip])
  t.not(ip.split('.')[2], '0', 'the first 256 are for those who choose')
})

t.test('an address that is taken is refused in the words of upstream', async t => {
  const allocator = make()
  allocator.allocate(row({ clusterIP: '10.96.0.10' }), undefined)
  t.same(texts(allocator.allocate(row({ clusterIP: '10.96.0.10' }), undefined).errors), [
    'spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
  ])
})

t.test('an address outside the range is refused', async t => {
  t.same(texts(make().allocate(row({ clusterIP: '10.0.0.1' }), undefined).errors), [
    'spec.clusterIPs: Invalid value: ["10.0.0.1"]: failed to allocate IP 10.0.0.1: the provided IP (10.0.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16',
  ])
})

t.test('a headless Service and an ExternalName get no address', async t => {
  for (const service of [row({ clusterIP: 'None' }), row({ type: 'ExternalName', ports: [] })]) {
    const { allocation } = make().allocate(service, undefined)
    t.same(allocation.takenIps, [])
  }
})

t.test('a failed write gives back what it took', async t => {
  const allocator = make()
  const wanted = () =>
    row({ type: 'NodePort', clusterIP: '10.96.0.9', ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }] })
  const { allocation } = allocator.allocate(wanted(), undefined)
  t.equal(allocator.allocate(wanted(), undefined).errors.length, 2)
  allocator.settle(allocation, false)
  t.same(allocator.allocate(wanted(), undefined).errors, [])
})

t.test('a refused Service takes nothing at all', async t => {
  const allocator = make()
  allocator.allocate(row({ type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }] }), undefined)
  const second = row({
    type: 'NodePort',
    clusterIP: '10.96.0.9',
    ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }],
  })
  t.same(texts(allocator.allocate(second, undefined).errors), [
    'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
  ])
  t.same(allocator.allocate(row({ clusterIP: '10.96.0.9' }), undefined).errors, [])
})

t.test('a port outside the range is refused', async t => {
  const service = row({ type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 80 }] })
  t.same(texts(make().allocate(service, undefined).errors), [
    'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
  ])
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
  make().allocate(service, undefined)
  const [a, b, c] = (service.spec?.ports ?? []).map(p => p.nodePort)
  t.equal(a, b)
  t.not(a, c)
})

t.test('becoming an ExternalName gives the address back once it is written, not before', async t => {
  const allocator = make()
  const old = row({ clusterIP: '10.96.0.9' })
  allocator.rebuild([old])
  const { allocation } = allocator.allocate(row({ type: 'ExternalName', ports: [] }), old)
  t.equal(allocator.allocate(row({ clusterIP: '10.96.0.9' }), undefined).errors.length, 1)
  allocator.settle(allocation, true)
  t.same(allocator.allocate(row({ clusterIP: '10.96.0.9' }), undefined).errors, [])
})

t.test('becoming a ClusterIP gives the node ports back', async t => {
  const allocator = make()
  const ports = [{ port: 80, protocol: 'TCP', nodePort: 30080 }]
  const old = row({ type: 'NodePort', clusterIP: '10.96.0.9', ports })
  allocator.rebuild([old])
  const { allocation, errors } = allocator.allocate(row({ clusterIP: '10.96.0.9' }), old)
  t.same(errors, [])
  allocator.settle(allocation, true)
  t.same(allocator.allocate(row({ type: 'NodePort', ports }), undefined).errors, [])
})

t.test('a load balancer that keeps traffic local gets a port for health checks', async t => {
  const service = row({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
  make().allocate(service, undefined)
  t.ok((service.spec?.healthCheckNodePort ?? 0) >= 30000)
  t.not(service.spec?.healthCheckNodePort, service.spec?.ports?.[0]?.nodePort)
})

t.test('a range that is used up is an internal error of the server', async t => {
  const allocator = make({ serviceClusterIpRange: '10.96.0.0/30' })
  allocator.allocate(row({}), undefined)
  allocator.allocate(row({}), undefined)
  t.throws(() => allocator.allocate(row({}), undefined), { message: 'failed to allocate a serviceIP: range is full' })
})

t.test('two ranges, and IPv6, are named as what this cluster does not have', async t => {
  t.same(texts(make().allocate(row({ ipFamilies: ['IPv6'] }), undefined).errors), [
    'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
  ])
})

t.test('whatever is created, deleted, and refused, no two Services hold one address or port', async () => {
  const step = fc.record({
    port: fc.option(fc.integer({ min: 30000, max: 30010 })),
    last: fc.integer({ min: 1, max: 20 }),
    ok: fc.boolean(),
    drop: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const allocator = make({ serviceClusterIpRange: '10.96.0.0/26', serviceNodePortRange: '30000-30040' })
      const stored: Row[] = []
      for (const { port, last, ok, drop } of steps) {
        if (drop) {
          const gone = stored.pop()
          if (gone !== undefined) allocator.release(gone)
          continue
        }
        if (stored.length > 15) continue
        const service = row({
          type: 'NodePort',
          ...(last > 10 ? {} : { clusterIP: `10.96.0.${last}` }),
          ports: [{ port: 80, protocol: 'TCP', ...(port === null ? {} : { nodePort: port }) }],
        })
        const { allocation, errors } = allocator.allocate(service, undefined)
        if (errors.length > 0) continue
        allocator.settle(allocation, ok)
        if (ok) stored.push(service)
      }
      const ips = stored.map(s => s.spec?.clusterIP)
      const ports = stored.map(s => s.spec?.ports?.[0]?.nodePort)
      return new Set(ips).size === ips.length && new Set(ports).size === ports.length
    }),
  )
})
