import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Service } from 'kubernetes-types/core/v1.js'
import { type Ask, startTestServer } from './test-server.ts'

type Server = Awaited<ReturnType<typeof startTestServer>>

const collection = '/api/v1/namespaces/default/services'
const addresses = '/apis/networking.k8s.io/v1/ipaddresses'

const service = (name: string, spec: object = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
})

const make = (server: Server, name: string, spec: object = {}) =>
  server.ask(collection, { method: 'POST', body: service(name, spec) })
const patch = (server: Server, name: string, spec: object) => {
  const headers = { 'content-type': 'application/merge-patch+json' }
  return server.ask(`${collection}/${name}`, { method: 'PATCH', headers, body: { spec } } satisfies Ask)
}
const specOf = (reply: { json: Record<string, unknown> }) => reply.json['spec'] as NonNullable<Service['spec']>

t.test('a cluster of both families', async t => {
  const server = await startTestServer(t, { serviceClusterIpRange: '10.96.0.0/16,fd00:96::/108' })

  t.test('its own Service and ServiceCIDR say so', async t => {
    const own = await server.ask(`${collection}/kubernetes`)
    t.match(specOf(own), { clusterIPs: ['10.96.0.1'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
    const range = await server.ask('/apis/networking.k8s.io/v1/servicecidrs/kubernetes')
    t.same(range.json['spec'], { cidrs: ['10.96.0.0/16', 'fd00:96::/108'] })
  })

  t.test('a Service goes to both families and back, and keeps its first address', async t => {
    const single = specOf(await make(server, 'web'))
    t.equal(single.clusterIPs?.length, 1)
    const dual = specOf(await patch(server, 'web', { ipFamilyPolicy: 'RequireDualStack' }))
    t.equal(dual.clusterIP, single.clusterIP)
    t.same(dual.ipFamilies, ['IPv4', 'IPv6'])
    const second = dual.clusterIPs?.[1] ?? ''
    t.match(second, /^fd00:96::/)
    t.match((await server.ask(`${addresses}/${encodeURIComponent(second)}`)).json, {
      kind: 'IPAddress',
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
    })
    const back = specOf(await patch(server, 'web', { ipFamilyPolicy: 'SingleStack' }))
    t.same(back.clusterIPs, single.clusterIPs)
    t.same(back.ipFamilies, ['IPv4'])
    t.equal((await server.ask(`${addresses}/${encodeURIComponent(second)}`)).status, 404)
  })

  t.test('what an old client sends back keeps both addresses', async t => {
    const dual = specOf(await make(server, 'old', { ipFamilyPolicy: 'PreferDualStack' }))
    const { clusterIPs: _, ipFamilies: __, ipFamilyPolicy: ___, ...known } = dual
    const body = service('old', { ...known, sessionAffinity: 'ClientIP' })
    const answer = await server.ask(`${collection}/old`, { method: 'PUT', body })
    t.equal(answer.status, 200)
    t.match(specOf(answer), { clusterIPs: dual.clusterIPs, ipFamilies: ['IPv4', 'IPv6'] })
  })

  for (const { name, spec, message } of [
    {
      name: 'the first family stays',
      spec: { ipFamilies: ['IPv6'] },
      message:
        /spec\.clusterIPs\[0\]: Invalid value: "10\.96\.\d+\.\d+": expected an IPv6 value as indicated by `ipFamilies\[0\]`/,
    },
    {
      name: 'the first address stays',
      spec: { clusterIP: '10.96.3.3' },
      message: /spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.3\.3"\]: may not change once set/,
    },
    {
      name: 'an address does not become None',
      spec: { clusterIP: 'None' },
      message: /spec\.clusterIPs\[0\]: Invalid value: \["None"\]: may not change once set/,
    },
    {
      name: 'two addresses are of two families',
      spec: { ipFamilyPolicy: 'RequireDualStack', clusterIPs: ['10.96.9.1', '10.96.9.2'] },
      message: /may specify no more than one IP for each IP family/,
    },
  ])
    t.test(`${name}: an update that says otherwise gets 422`, async t => {
      await make(server, 'fixed')
      const answer = await patch(server, 'fixed', spec)
      t.equal(answer.status, 422)
      t.match(answer.json['message'], message)
    })
  t.end()
})

t.test('a cluster of one family', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'skiff-services-'))
  t.teardown(() => rmSync(dataDir, { recursive: true }))
  const server = await startTestServer(t, { dataDir })
  t.match(specOf(await make(server, 'prefers', { ipFamilyPolicy: 'PreferDualStack' })), {
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'PreferDualStack',
  })
  const refused = await make(server, 'requires', { ipFamilyPolicy: 'RequireDualStack' })
  t.equal(refused.status, 422)
  t.match(refused.json['message'], /this cluster is not configured for dual-stack services/)
  const free = specOf(await make(server, 'free', { clusterIP: 'None', selector: undefined, ports: undefined }))
  t.match(free, { clusterIPs: ['None'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' })

  const held = specOf(await make(server, 'held', { type: 'NodePort' }))
  const listed = await server.ask(`${addresses}/${held.clusterIP}`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } }) // prettier-ignore
  t.match(listed.json['rows'], [{ cells: [held.clusterIP, 'services/default/held'] }])

  t.test('its metrics count what is given out', async t => {
    const { text } = await server.ask('/metrics')
    t.match(text, 'kube_apiserver_clusterip_allocator_allocated_ips{cidr="10.96.0.0/16"} 3')
    t.match(text, `kube_apiserver_clusterip_allocator_available_ips{cidr="10.96.0.0/16"} ${65534 - 3}`)
    t.match(text, 'kube_apiserver_clusterip_allocator_allocation_total{cidr="10.96.0.0/16",scope="dynamic"} 2')
    t.match(text, 'kube_apiserver_clusterip_allocator_allocation_total{cidr="10.96.0.0/16",scope="static"} 1')
    t.match(text, 'kube_apiserver_nodeport_allocator_allocated_ports 1')
    t.match(text, 'kube_apiserver_nodeport_allocator_available_ports 2767')
    t.match(text, 'kube_apiserver_nodeport_allocator_allocation_total{scope="dynamic"} 1')
  })

  t.test('the next process on its store knows what is held', async t => {
    await server.terminate()
    const next = await startTestServer(t, { dataDir })
    const taken = await make(next, 'taken', { clusterIP: held.clusterIP })
    t.equal(taken.status, 422)
    t.match(taken.json['message'], /provided IP is already allocated/)
    await next.ask(`${collection}/held`, { method: 'DELETE' })
    t.equal((await make(next, 'taken', { clusterIP: held.clusterIP })).status, 201)
  })
})

t.test('further ServiceCIDRs give addresses while they are ready', async t => {
  const server = await startTestServer(t, { serviceClusterIpRange: '10.96.0.0/30' })
  t.equal((await make(server, 'last')).status, 201)
  const full = await make(server, 'more')
  t.equal(full.status, 500)
  t.match(full.json['message'], 'Internal error occurred: failed to allocate a serviceIP: range is full')
  const cidrs = '/apis/networking.k8s.io/v1/servicecidrs'
  const body = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/24'] } } // prettier-ignore
  t.equal((await server.ask(cidrs, { method: 'POST', body })).status, 201)
  t.match(specOf(await make(server, 'more')).clusterIP, /^10\.97\.0\./)
  const conditions = [{ type: 'Ready', status: 'False', reason: 'Terminating', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] // prettier-ignore
  const headers = { 'content-type': 'application/merge-patch+json' }
  await server.ask(`${cidrs}/more/status`, { method: 'PATCH', headers, body: { status: { conditions } } })
  t.equal((await make(server, 'another')).status, 500)
})
