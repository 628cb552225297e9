import t from 'tap'
import type { AdmissionReader } from '../../../../daemons/apiserver/admission/plugin.ts'
import { draftOf } from '../../../../daemons/apiserver/kinds/draft.ts'
import {
  isProxyable,
  nodeLocation,
  podLocation,
  serviceLocation,
  splitSchemeNamePort,
} from '../../../../daemons/apiserver/proxy/proxy-location.ts'
import type { UnknownObject } from '../../../../kube/object.ts'

const pod = (name: string, ip: string | undefined, containers: object[] = []) => ({
  metadata: { name, namespace: 'a' },
  spec: { containers },
  status: ip === undefined ? {} : { podIPs: [{ ip }], podIP: ip },
})

const slice = (endpoints: object[]) => ({
  metadata: { name: 's', namespace: 'a', labels: { 'kubernetes.io/service-name': 'web' } },
  endpoints,
  ports: [{ name: 'http', port: 8080 }],
})

const endpoint = (address: string, podName: string, more: object = {}) => ({
  addresses: [address],
  conditions: { ready: true },
  targetRef: { kind: 'Pod', name: podName, namespace: 'a' },
  ...more,
})

const service = {
  metadata: { name: 'web', namespace: 'a' },
  spec: {
    ports: [
      { name: 'http', port: 80 },
      { name: 'x', port: 81 },
    ],
  },
}

const node = {
  metadata: { name: 'n' },
  status: { addresses: [{ type: 'InternalIP', address: '10.0.0.9' }] },
}

const readerOf = (objects: Record<string, object[]>): AdmissionReader => {
  const all = (plural: string) => (objects[plural] ?? []) as UnknownObject[]
  return {
    get: (_group, plural, _namespace, name) => all(plural).find(object => object.metadata?.name === name),
    list: (_group, plural) => all(plural),
  }
}

const reader = (objects: Record<string, object[]> = {}) =>
  readerOf({
    pods: [
      pod('web', '10.1.0.1', [{ name: 'a' }, { name: 'b', ports: [{ containerPort: 8080 }] }]),
      pod('bare', '10.1.0.2'),
      pod('six', 'fd00::7'),
      pod('self', '127.0.0.1'),
      pod('meta', '169.254.169.254'),
      pod('new', undefined),
    ],
    services: [service],
    endpointslices: [slice([endpoint('10.1.0.1', 'web')])],
    nodes: [node],
    ...objects,
  })

const locations: { name: string; find: () => unknown; is: object }[] = [
  { name: 'a pod: the first port of its containers', find: () => podLocation(reader(), { namespace: 'a', id: 'web' }), is: { host: '10.1.0.1', port: 8080, secure: false, kubelet: false } },
  { name: 'a pod: the port that is named', find: () => podLocation(reader(), { namespace: 'a', id: 'https:web:8443' }), is: { port: 8443, secure: true } },
  { name: 'a pod without ports: that of the scheme', find: () => podLocation(reader(), { namespace: 'a', id: 'bare' }), is: { port: 80 } },
  { name: 'a pod with an IPv6 address', find: () => podLocation(reader(), { namespace: 'a', id: 'six:80' }), is: { host: 'fd00::7' } },
  { name: 'a Service: by the number of its port', find: () => serviceLocation(reader(), { namespace: 'a', id: 'web:80' }), is: { host: '10.1.0.1', port: 8080, secure: false } },
  { name: 'a Service: by the name of its port', find: () => serviceLocation(reader(), { namespace: 'a', id: 'https:web:http' }), is: { port: 8080, secure: true } },
  { name: 'a node: its kubelet', find: () => nodeLocation(reader(), { namespace: '', id: 'n' }), is: { host: '10.0.0.9', port: 10250, secure: true, kubelet: true } },
  { name: 'a node: its kubelet by its port', find: () => nodeLocation(reader(), { namespace: '', id: 'http:n:10250' }), is: { secure: true, kubelet: true } },
  { name: 'a node: another port, which is shown no certificate', find: () => nodeLocation(reader(), { namespace: '', id: 'n:9100' }), is: { port: 9100, secure: false, kubelet: false } },
] // prettier-ignore
for (const { name, find, is } of locations) t.test(name, async t => void t.match(find(), is))

const notReady = slice([endpoint('10.1.0.1', 'web', { conditions: { ready: false } })])
const strangers = slice([
  endpoint('10.9.9.9', 'web'),
  { addresses: ['10.1.0.1'] },
  endpoint('127.0.0.1', 'self'),
  endpoint('10.1.0.1', 'web', { targetRef: { kind: 'Pod', name: 'web', namespace: 'other' } }),
])

const refusals: { name: string; find: () => unknown; code: number; message: string }[] = [
  { name: 'a pod that is not there', find: () => podLocation(reader(), { namespace: 'a', id: 'no' }), code: 404, message: 'pods "no" not found' },
  { name: 'a pod that has no address', find: () => podLocation(reader(), { namespace: 'a', id: 'new' }), code: 400, message: 'address not allowed' },
  { name: 'a pod on loopback', find: () => podLocation(reader(), { namespace: 'a', id: 'self' }), code: 400, message: 'address not allowed' },
  { name: 'a pod at a link-local address', find: () => podLocation(reader(), { namespace: 'a', id: 'meta:80' }), code: 400, message: 'address not allowed' },
  { name: 'a port that nobody knows', find: () => podLocation(reader(), { namespace: 'a', id: 'web:nope' }), code: 503, message: 'error trying to reach service: dial tcp: lookup tcp/nope: unknown port' },
  { name: 'another scheme', find: () => podLocation(reader(), { namespace: 'a', id: 'ftp:web:21' }), code: 400, message: 'invalid pod request "ftp:web:21"' },
  { name: 'a Service that is not there', find: () => serviceLocation(reader(), { namespace: 'a', id: 'no' }), code: 404, message: 'services "no" not found' },
  { name: 'a Service without that port', find: () => serviceLocation(reader(), { namespace: 'a', id: 'web:99' }), code: 503, message: 'no service port 99 found for service "web"' },
  { name: 'a Service without endpoints on that port', find: () => serviceLocation(reader(), { namespace: 'a', id: 'web:81' }), code: 503, message: 'no endpoints available for service "web:81"' },
  { name: 'a Service whose pods are not ready', find: () => serviceLocation(reader({ endpointslices: [notReady] }), { namespace: 'a', id: 'web:80' }), code: 503, message: 'no endpoints available for service "web:80"' },
  { name: 'endpoints that are no pod’s', find: () => serviceLocation(reader({ endpointslices: [strangers] }), { namespace: 'a', id: 'web:80' }), code: 503, message: 'no endpoints available for service "web:80"' },
  { name: 'a node that is not there', find: () => nodeLocation(reader(), { namespace: '', id: 'no' }), code: 404, message: 'nodes "no" not found' },
] // prettier-ignore
for (const { name, find, code, message } of refusals)
  t.test(`refused: ${name}`, async t => void t.throws(find, { code, message }))

t.test('scheme, name and port', async t => {
  t.same(splitSchemeNamePort('pod', 'a'), { scheme: '', name: 'a', port: '' })
  t.same(splitSchemeNamePort('pod', 'a:1'), { scheme: '', name: 'a', port: '1' })
  t.same(splitSchemeNamePort('pod', 'http:a:'), { scheme: 'http', name: 'a', port: '' })
  for (const id of ['', ':1', 'a:b:c:d', 'x:a:1']) t.throws(() => splitSchemeNamePort('pod', id), { code: 400 })
})

t.test('addresses that are never gone to', async t => {
  for (const address of [
    '127.0.0.2',
    '169.254.1.1',
    '224.0.0.1',
    '0.0.0.0',
    '::1',
    'fe80::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '',
    'host',
  ])
    t.notOk(isProxyable(address), address)
  for (const address of ['10.0.0.1', '192.168.1.1', '203.0.113.7', 'fd00::1', '2001:db8::1'])
    t.ok(isProxyable(address), address)
  t.ok(draftOf(node as UnknownObject))
})
