import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { componentHealth, probe } from '../../../../daemons/apiserver/component-health.ts'
import { pod } from '../kinds/sample-objects.ts'
import { startTestServer } from './test-server.ts'

type Item = { metadata: { name: string }; conditions: { type: string; status: string; message: string }[] }

t.test('kinds that are not stored', async t => {
  const { ask } = await startTestServer(t)
  const deprecated = '299 - "v1 ComponentStatus is deprecated in v1.19+"'

  t.test('the list of components says how each is, and that nobody should ask so', async t => {
    const reply = await ask('/api/v1/componentstatuses')
    t.equal(reply.status, 200)
    t.equal(reply.headers['warning'], deprecated)
    const items = reply.json['items'] as Item[]
    t.same(items.map(item => item.metadata.name).sort(), ['controller-manager', 'etcd-0', 'scheduler'])
    t.same(items.find(item => item.metadata.name === 'etcd-0')?.conditions, [
      { type: 'Healthy', status: 'True', message: 'ok' },
    ])
  })

  t.test('one component is read by its name', async t => {
    const reply = await ask('/api/v1/componentstatuses/etcd-0')
    t.equal(reply.status, 200)
    t.equal(reply.headers['warning'], deprecated)
    t.equal((reply.json as unknown as Item).metadata.name, 'etcd-0')
    t.equal((await ask('/api/v1/componentstatuses/none')).status, 404)
  })

  t.test('components are shown in upstream’s columns', async t => {
    const reply = await ask('/api/v1/componentstatuses?fieldSelector=metadata.name%3Detcd-0', {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    })
    const { columnDefinitions, rows } = reply.json as {
      columnDefinitions: { name: string }[]
      rows: { cells: unknown[] }[]
    }
    t.same(
      columnDefinitions.map(({ name }) => name),
      ['Name', 'Status', 'Message', 'Error'],
    )
    t.same(
      rows.map(({ cells }) => cells),
      [['etcd-0', 'Healthy', 'ok', '']],
    )
  })

  for (const [method, path] of [
    ['POST', '/api/v1/componentstatuses'],
    ['DELETE', '/api/v1/componentstatuses/etcd-0'],
    ['GET', '/api/v1/componentstatuses?watch=true'],
    ['GET', '/api/v1/namespaces/default/bindings'],
    ['GET', '/api/v1/namespaces/default/bindings/web'],
  ] as const)
    t.test(`${method} ${path} is not allowed`, async t => {
      const reply = await ask(path, { method, ...(method === 'POST' ? { body: {} } : {}) })
      t.equal(reply.status, 405)
    })

  t.test('a review has no columns: who wants a table is told 406, who wants metadata gets it', async t => {
    const review = (as: string) =>
      ask('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        method: 'POST',
        headers: { accept: `application/json;as=${as};v=v1;g=meta.k8s.io` },
        body: { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } },
      })
    t.match(await review('Table'), { status: 406, json: { reason: 'NotAcceptable' } })
    t.match(await review('PartialObjectMetadata'), { status: 201, json: { kind: 'PartialObjectMetadata' } })
  })

  t.test('discovery lists what may be done with them', async t => {
    const { resources } = (await ask('/api/v1')).json as {
      resources: { name: string; verbs: string[]; storageVersionHash?: string }[]
    }
    const stored = resources.filter(({ storageVersionHash }) => storageVersionHash !== undefined)
    t.notOk(stored.some(({ name }) => ['componentstatuses', 'bindings', 'pods/status'].includes(name)))
    t.ok(stored.some(({ name }) => name === 'pods'))
    const verbs = (name: string) => resources.find(resource => resource.name === name)?.verbs
    t.same(verbs('componentstatuses'), ['get', 'list'])
    t.same(verbs('bindings'), ['create'])
  })

  t.test('a Binding puts the pod it names on the node it names', async t => {
    const made = await ask('/api/v1/namespaces/default/pods', { method: 'POST', body: pod() })
    t.equal(made.status, 201, made.text)
    const binding = (target: object) => ({
      method: 'POST',
      body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target },
    })
    const wrong = await ask('/api/v1/namespaces/default/bindings', binding({ kind: 'Pod' }))
    t.equal(wrong.status, 422)
    t.match(wrong.json['message'], 'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"')
    t.match(wrong.json['message'], 'target.name: Required value')
    const reply = await ask('/api/v1/namespaces/default/bindings', binding({ kind: 'Node', name: 'n1' }))
    t.equal(reply.status, 201, reply.text)
    const bound = await ask('/api/v1/namespaces/default/pods/web')
    t.match(bound.json, { spec: { nodeName: 'n1' } })
    t.equal((await ask('/api/v1/namespaces/default/bindings', binding({ name: 'n2' }))).status, 409)
  })
})

t.test('what a component answers is its health', async t => {
  let status = 200
  const server = createServer((_, reply) => reply.writeHead(status).end('x'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`
  t.equal(await probe(url), undefined)
  status = 500
  t.equal(await probe(url), 'HTTP probe failed with statuscode: 500')
  await new Promise(resolve => server.close(resolve))
  t.match(await probe(url), `Get "${url}": connect ECONNREFUSED`)
})

t.test('a store that cannot be read is unhealthy', async t => {
  const health = await componentHealth(() => Promise.reject(new Error('etcdserver: no leader')))
  t.equal(health.find(({ name }) => name === 'etcd-0')?.error, 'etcdserver: no leader')
})
