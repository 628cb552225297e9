import type { Service } from 'kubernetes-types/core/v1.js'
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import t from 'tap'
import { ClusterIndex } from '../../../../daemons/dns/kubernetes/cluster-index.ts'
import { lookup, type ClusterZones, type Found } from '../../../../daemons/dns/kubernetes/lookup.ts'
import { addressOfReverse, reverseName } from '../../../../daemons/dns/kubernetes/reverse-name.ts'
import { typeName, types, type ResourceRecord } from '../../../../daemons/dns/message/message.ts'
import { closestZone } from '../../../../daemons/dns/message/name.ts'
import { ipText } from '../../../../kube/ip-address.ts'

const service = (name: string, spec: Service['spec'], namespace = 'default'): Service => ({
  metadata: { name, namespace },
  ...(spec === undefined ? {} : { spec }),
})
const slice = (
  owner: string,
  endpoints: Endpoint[],
  ports = [{ name: 'http', port: 8080, protocol: 'TCP' }],
  suffix = 'x',
): EndpointSlice => ({
  metadata: { name: `${owner}-${suffix}`, namespace: 'default', labels: { 'kubernetes.io/service-name': owner } },
  addressType: 'IPv4',
  endpoints,
  ports,
})
const http = [{ name: 'http', port: 80, protocol: 'TCP' }]

const cluster = (): ClusterIndex => {
  const index = new ClusterIndex()
  for (const name of ['default', 'kube-system', 'other']) index.setNamespace({ metadata: { name } })
  index.setService(
    service('hello', {
      clusterIP: '10.96.1.1',
      clusterIPs: ['10.96.1.1', 'fd00::1'],
      ports: [...http, { name: 'dns', port: 53, protocol: 'UDP' }],
    }),
  )
  index.setService(service('v4', { clusterIP: '10.96.1.2', clusterIPs: ['10.96.1.2'], ports: http }))
  index.setService(service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: http }))
  index.setService(service('empty', { clusterIP: 'None', clusterIPs: ['None'], ports: http }))
  index.setService(service('outside', { type: 'ExternalName', externalName: 'example.org' }))
  index.setService(service('digits', { type: 'ExternalName', externalName: '10.0.0.1' }))
  index.setService(service('bare', { clusterIP: 'None', clusterIPs: ['None'] }))
  index.setSlice(
    slice('db', [
      { addresses: ['10.244.0.5'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['10.244.0.6'], conditions: {} },
      { addresses: ['10.244.0.7'], conditions: { ready: false } },
    ]),
  )
  index.setSlice(slice('hello', [{ addresses: ['10.244.0.9'], conditions: { ready: true } }]))
  index.setSlice(slice('bare', [{ addresses: ['10.244.0.8'], conditions: { ready: true } }], []))
  return index
}

const zones: ClusterZones = {
  primary: 'cluster.local.',
  ttl: 30,
  pods: 'insecure',
  endpointPodNames: false,
  onlyNamespaces: new Set(),
  serverAddresses: ['10.96.0.10'],
}
const allZones = ['cluster.local.', 'in-addr.arpa.', 'ip6.arpa.']

const text = (record: ResourceRecord): string => {
  const { data } = record
  const said =
    data.kind === 'bytes'
      ? record.type === types.TXT
        ? data.bytes.subarray(1).toString()
        : ipText(data.bytes)
      : data.kind === 'name'
        ? data.name
        : data.kind === 'srv'
          ? `${data.priority} ${data.weight} ${data.port} ${data.target}`
          : data.kind
  return `${typeName(record.type)} ${said}`
}
const say = (found: Found): string[] => {
  if (found.kind === 'records')
    return [...found.answers.map(text), ...found.additionals.map(record => `+${record.name} ${text(record)}`)]
  return found.kind === 'alias' ? [text(found.alias)] : [found.kind]
}
const ask = (name: string, type: keyof typeof types, index = cluster(), with_: Partial<ClusterZones> = {}): string[] =>
  say(lookup({ name, type: types[type], zone: closestZone(allZones, name) ?? '' }, index, { ...zones, ...with_ }))

const z = 'svc.cluster.local.'
for (const [name, type, ...expected] of [
  // Services with a ClusterIP (2.3)
  [`hello.default.${z}`, 'A', 'A 10.96.1.1'],
  [`hello.default.${z}`, 'AAAA', 'AAAA fd00::1'],
  [`v4.default.${z}`, 'AAAA', 'nodata'],
  [`hello.default.${z}`, 'TXT', 'nodata'],
  [`hello.default.${z}`, 'MX', 'nodata'],
  [`hello.other.${z}`, 'A', 'nxdomain'],
  [`hello.nowhere.${z}`, 'A', 'nxdomain'],
  [`_http._tcp.v4.default.${z}`, 'SRV', `SRV 0 100 80 v4.default.${z}`, `+v4.default.${z} A 10.96.1.2`],
  [
    `_dns._udp.hello.default.${z}`,
    'SRV',
    `SRV 0 100 53 hello.default.${z}`,
    `+hello.default.${z} A 10.96.1.1`,
    `+hello.default.${z} AAAA fd00::1`,
  ],
  [`_dns._tcp.hello.default.${z}`, 'SRV', 'nxdomain'],
  [`_nope._tcp.v4.default.${z}`, 'SRV', 'nxdomain'],
  [`_tcp.v4.default.${z}`, 'SRV', 'nodata'],
  [`_sctp.v4.default.${z}`, 'SRV', 'nxdomain'],
  [`http._tcp.v4.default.${z}`, 'SRV', 'nxdomain'],
  [`v4.default.${z}`, 'SRV', `SRV 0 100 80 v4.default.${z}`, `+v4.default.${z} A 10.96.1.2`],
  [
    `hello.default.${z}`,
    'SRV',
    `SRV 0 50 80 hello.default.${z}`,
    `SRV 0 50 53 hello.default.${z}`,
    `+hello.default.${z} A 10.96.1.1`,
    `+hello.default.${z} AAAA fd00::1`,
  ],
  [`a.b.c.hello.default.${z}`, 'A', 'nxdomain'],
  // Headless Services (2.4)
  [`db.default.${z}`, 'A', 'A 10.244.0.5', 'A 10.244.0.6'],
  [`db.default.${z}`, 'AAAA', 'nodata'],
  [`db-0.db.default.${z}`, 'A', 'A 10.244.0.5'],
  [`10-244-0-6.db.default.${z}`, 'A', 'A 10.244.0.6'],
  [`10-244-0-7.db.default.${z}`, 'A', 'nxdomain'],
  [`empty.default.${z}`, 'A', 'nxdomain'],
  [`bare.default.${z}`, 'A', 'A 10.244.0.8'],
  [
    `_http._tcp.db.default.${z}`,
    'SRV',
    `SRV 0 50 8080 db-0.db.default.${z}`,
    `SRV 0 50 8080 10-244-0-6.db.default.${z}`,
    `+db-0.db.default.${z} A 10.244.0.5`,
    `+10-244-0-6.db.default.${z} A 10.244.0.6`,
  ],
  [`10-244-0-9.hello.default.${z}`, 'A', 'A 10.244.0.9'],
  // ExternalName (2.5)
  [`outside.default.${z}`, 'A', 'CNAME example.org.'],
  [`outside.default.${z}`, 'CNAME', 'CNAME example.org.'],
  [`x.outside.default.${z}`, 'A', 'nxdomain'],
  [`digits.default.${z}`, 'A', 'nxdomain'],
  // The schema, the zone and what stands between
  ['dns-version.cluster.local.', 'TXT', 'TXT 1.1.0'],
  ['dns-version.cluster.local.', 'A', 'nodata'],
  ['cluster.local.', 'SOA', 'SOA soa'],
  ['cluster.local.', 'NS', 'NS ns.dns.cluster.local.', '+ns.dns.cluster.local. A 10.96.0.10'],
  ['cluster.local.', 'A', 'nodata'],
  ['ns.dns.cluster.local.', 'A', 'A 10.96.0.10'],
  ['dns.cluster.local.', 'A', 'nodata'],
  ['svc.cluster.local.', 'A', 'nodata'],
  [`default.${z}`, 'A', 'nodata'],
  [`nowhere.${z}`, 'A', 'nxdomain'],
  ['hello.cluster.local.', 'A', 'nxdomain'],
  // Pods
  ['10-244-0-5.default.pod.cluster.local.', 'A', 'A 10.244.0.5'],
  ['fd00--5.default.pod.cluster.local.', 'AAAA', 'AAAA fd00::5'],
  ['10-244-0-5.nowhere.pod.cluster.local.', 'A', 'nxdomain'],
  ['hello.default.pod.cluster.local.', 'A', 'nxdomain'],
  ['default.pod.cluster.local.', 'A', 'nodata'],
  // Reverse
  ['1.1.96.10.in-addr.arpa.', 'PTR', `PTR hello.default.${z}`],
  ['5.0.244.10.in-addr.arpa.', 'PTR', `PTR db-0.db.default.${z}`],
  ['6.0.244.10.in-addr.arpa.', 'PTR', `PTR 10-244-0-6.db.default.${z}`],
  ['1.1.96.10.in-addr.arpa.', 'A', 'nodata'],
  ['1.2.3.4.in-addr.arpa.', 'PTR', 'nxdomain'],
  ['96.10.in-addr.arpa.', 'PTR', 'nxdomain'],
  [reverseName('fd00::1'), 'PTR', `PTR hello.default.${z}`],
] as [string, keyof typeof types, ...string[]][])
  void t.test(`${type} ${name} is ${expected.join(', ')}`, async t => {
    t.strictSame(ask(name, type), expected)
  })

void t.test('pods disabled do not exist, and verified ones must', async t => {
  const name = '10-244-0-5.default.pod.cluster.local.'
  t.strictSame(ask(name, 'A', cluster(), { pods: 'disabled' }), ['nxdomain'])
  const index = cluster()
  t.strictSame(ask(name, 'A', index, { pods: 'verified' }), ['nxdomain'])
  const pod = { metadata: { name: 'p', namespace: 'default' }, status: { podIPs: [{ ip: '10.244.0.5' }] } }
  index.setPod(pod)
  t.strictSame(ask(name, 'A', index, { pods: 'verified' }), ['A 10.244.0.5'])
  index.removePod(pod)
  t.strictSame(ask(name, 'A', index, { pods: 'verified' }), ['nxdomain'])
})

void t.test('namespaces that are not shown do not exist', async t => {
  const onlyNamespaces = new Set(['other'])
  t.strictSame(ask(`hello.default.${z}`, 'A', cluster(), { onlyNamespaces }), ['nxdomain'])
  t.strictSame(ask('1.1.96.10.in-addr.arpa.', 'PTR', cluster(), { onlyNamespaces }), ['nxdomain'])
})

void t.test('the index follows changes, and its generation moves only when an answer could', async t => {
  const index = cluster()
  const before = index.generation
  index.setService({
    ...service('v4', { clusterIP: '10.96.1.2', clusterIPs: ['10.96.1.2'], ports: http }),
    status: { loadBalancer: {} },
  })
  index.setSlice(slice('hello', [{ addresses: ['10.244.0.9'], conditions: { ready: true, serving: true } }]))
  t.equal(index.generation, before)
  index.setService(service('v4', { clusterIP: '10.96.1.3', clusterIPs: ['10.96.1.3'], ports: http }))
  t.ok(index.generation > before)
  t.strictSame(ask(`v4.default.${z}`, 'A', index), ['A 10.96.1.3'])
  t.strictSame(ask(reverseName('10.96.1.2'), 'PTR', index), ['nxdomain'])
  index.removeService(service('v4', {}))
  t.strictSame(ask(`v4.default.${z}`, 'A', index), ['nxdomain'])
  index.setSlice(slice('db', [{ addresses: ['10.244.0.6'], conditions: {} }], undefined, 'y'))
  t.strictSame(ask(`db.default.${z}`, 'A', index), ['A 10.244.0.5', 'A 10.244.0.6'], 'an endpoint in two slices is one')
  index.removeSlice(slice('db', []))
  t.strictSame(ask(`db.default.${z}`, 'A', index), ['A 10.244.0.6'])
  index.removeNamespace({ metadata: { name: 'default' } })
  t.strictSame(ask(`db.default.${z}`, 'A', index), ['nxdomain'])
})

void t.test('reverse names go there and back', async t => {
  for (const ip of ['10.0.0.1', 'fd00::1', '2001:db8::ff']) t.equal(addressOfReverse(reverseName(ip)), ip)
  t.equal(addressOfReverse('300.0.0.10.in-addr.arpa.'), undefined)
})
