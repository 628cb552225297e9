import t from 'tap'
import { deployment, pod } from '../registry/test-registry.ts'
import { startTestServer, type Ask } from './test-server.ts'

const server = await startTestServer(t)
const { ask } = server
const pods = '/api/v1/namespaces/default/pods'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const merge = (body: object): Ask => ({
  method: 'PATCH',
  headers: { 'content-type': 'application/merge-patch+json' },
  body,
})
const apply = (body: object): Ask => ({
  method: 'PATCH',
  headers: { 'content-type': 'application/apply-patch+yaml' },
  body,
})
await ask(pods, { method: 'POST', body: pod('web') })
await ask(deployments, { method: 'POST', body: deployment('web') })
await ask('/api/v1/nodes', { method: 'POST', body: { metadata: { name: 'n' } } })

void t.test(
  'a status write of the older kinds may change metadata too, but not the owners of pods and the labels of deployments',
  async t => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x' }]
    const metadata = { labels: { a: 'b' }, annotations: { c: 'd' }, ownerReferences }
    const { json } = await ask(
      `${pods}/web/status`,
      merge({ metadata, spec: { nodeName: 'n' }, status: { message: 'm' } }),
    )
    t.match(json, { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } }, status: { message: 'm' } })
    t.equal((json['metadata'] as { ownerReferences?: object[] }).ownerReferences, undefined)
    t.equal((json['spec'] as { nodeName?: string }).nodeName, undefined)
    t.match(await ask('/api/v1/nodes/n/status', merge({ metadata: { labels: { a: 'b' } } })), {
      status: 200,
      json: { metadata: { labels: { a: 'b' } } },
    })
    t.match(await ask(`${pods}/web/status`, merge({ metadata: { labels: { 'not ok': 'x' } } })), { status: 422 })
    const other = await ask(`${deployments}/web/status`, merge({ metadata: { labels: { z: 'z' } } }))
    t.equal((other.json['metadata'] as { labels?: object }).labels, undefined)
    const annotated = await ask(`${deployments}/web/status`, merge({ metadata: { annotations: { z: 'z' } } }))
    t.match(annotated.json, { metadata: { annotations: { z: 'z' } } })
  },
)

void t.test('a status is applied by its manager', async t => {
  const status = { reason: 'R', conditions: [{ type: 'X', status: 'True' }] }
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { applied: '1' } }, status }
  const reply = await ask(`${pods}/web/status?fieldManager=me`, apply(body))
  t.match(reply, { status: 200, json: { metadata: { labels: { applied: '1' } }, status: { reason: 'R' } } })
  t.match(await ask(`${pods}/none/status?fieldManager=me`, apply({ ...body, metadata: { name: 'none' } })), {
    status: 404,
  })
})

void t.test('a scale is applied by its manager, who then owns the replicas', async t => {
  const scale = (replicas: number) =>
    apply({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas } })
  t.match(await ask(`${deployments}/web/scale`, scale(3)), { status: 422 }, 'who applies is to be said')
  t.match(await ask(`${deployments}/web/scale?fieldManager=me`, scale(3)), { status: 409 })
  t.match(await ask(`${deployments}/web/scale?fieldManager=me&force=true`, scale(3)), {
    status: 200,
    json: { kind: 'Scale', spec: { replicas: 3 } },
  })
  t.match(await ask(`${deployments}/web/scale?fieldManager=other`, scale(4)), {
    status: 409,
    json: { details: { causes: [{ field: '.spec.replicas' }] } },
  })
  const { json } = await ask(`${deployments}/web`)
  t.match(json, { spec: { replicas: 3, selector: { matchLabels: { app: 'web' } } } })
  const { managedFields } = json['metadata'] as { managedFields: object[] }
  t.match(managedFields[0], {
    manager: 'me',
    operation: 'Apply',
    subresource: 'scale',
    fieldsV1: { 'f:spec': { 'f:replicas': {} } },
  })
})

void t.test('an eviction that only tries deletes nothing', async t => {
  const evict = (body: unknown): Promise<{ status: number }> => ask(`${pods}/web/eviction`, { method: 'POST', body })
  t.equal((await evict({ metadata: { name: 'web' }, deleteOptions: { dryRun: ['All'] } })).status, 201)
  t.equal((await ask(`${pods}/web`)).status, 200)
  t.equal((await evict([])).status, 400)
  t.equal((await evict({ deleteOptions: { gracePeriodSeconds: 'x' } })).status, 400)
  t.equal((await ask(`${pods}/web/binding`, { method: 'POST', body: { target: 'n' } })).status, 400)
})

void t.test('a Job leaves its pods behind unless its delete says otherwise, and warns of that', async t => {
  const jobs = '/apis/batch/v1/namespaces/default/jobs'
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }
  await ask(jobs, { method: 'POST', body: { metadata: { name: 'once' }, spec: { template } } })
  const left = await ask(`${jobs}/once`, { method: 'DELETE' })
  t.equal(left.status, 200)
  t.match(left.headers['warning'], 'child pods are preserved by default when jobs are deleted')
  t.match((await ask(`${jobs}/once`)).json['metadata'], { finalizers: ['orphan'] })
  const gone = await ask(`${jobs}/once?propagationPolicy=Background`, { method: 'DELETE' })
  t.equal(gone.headers['warning'], undefined)
  t.equal((await ask(`${jobs}/once`)).status, 404)
})

void t.test('finalizers of a namespace are a list of names', async t => {
  const path = '/api/v1/namespaces/default/finalize'
  for (const finalizers of ['x', [1]])
    t.equal((await ask(path, { method: 'PUT', body: { spec: { finalizers } } })).status, 400)
  t.match((await ask('/api/v1/namespaces/default')).json['spec'], { finalizers: ['kubernetes'] })
})

void t.test('the Service of the API is made again when somebody deletes it', async t => {
  const services = '/api/v1/namespaces/default/services'
  const request = server.session().request({ ':path': `${services}?watch=1&fieldSelector=metadata.name=kubernetes` })
  const lines = new Promise<string>(resolve => {
    let text = ''
    request.on('data', chunk => {
      text += String(chunk)
      // As it was, its deletion, and the new one.
      if (text.split('\n').length > 3) resolve(text)
    })
  })
  await new Promise(resolve => request.once('response', resolve))
  t.equal((await ask(services, { method: 'DELETE' })).status, 200)
  t.match(await lines, /"ADDED"[^]*"DELETED"[^]*"ADDED".*"clusterIP":"10\.96\.0\.1"/)
  request.close()
})
