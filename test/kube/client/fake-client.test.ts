import type { Pod } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import { deployments, namespaces, pods } from '../../../kube/resources.ts'

const pod = (name: string, nodeName?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
})

t.test('a write with an old resourceVersion is a Conflict; one without it goes through', async t => {
  const client = new FakeClient()
  const first = await client.create(pods, pod('a'))
  await client.update(pods, { ...first, metadata: { ...first.metadata, labels: { x: '1' } } })
  await t.rejects(client.update(pods, first), { name: 'ApiError', reason: 'Conflict' })
  await client.patch(pods, 'a', { metadata: { labels: { y: '2' } } }, { type: 'merge', namespace: 'default' })
  t.match(client.objects(pods), [{ metadata: { labels: { x: '1', y: '2' } } }])
})

t.test('main writes leave status alone, status writes the rest; only a changed spec raises the generation', async t => {
  const client = new FakeClient()
  const made = await client.create(deployments, {
    metadata: { name: 'd', namespace: 'default' },
    spec: { replicas: 1, selector: {}, template: {} },
  })
  const where = { type: 'merge', namespace: 'default' } as const
  await client.patch(
    deployments,
    'd',
    { status: { replicas: 3 }, spec: { replicas: 9 } },
    { ...where, subresource: 'status' },
  )
  await client.patch(deployments, 'd', { status: { replicas: 7 }, spec: { replicas: 2 } }, where)
  t.equal(made.metadata?.generation, 1)
  t.match(client.objects(deployments), [
    { metadata: { generation: 2 }, spec: { replicas: 2 }, status: { replicas: 3 } },
  ])
})

t.test('a pod on a node is deleted gracefully, one without a node at once', async t => {
  const client = new FakeClient(pod('a', 'n1'), pod('b'))
  await client.delete(pods, 'a', { namespace: 'default' })
  await client.delete(pods, 'b', { namespace: 'default' })
  t.match(client.objects(pods), [{ metadata: { name: 'a', deletionGracePeriodSeconds: 30 } }])
  await client.delete(pods, 'a', { namespace: 'default', gracePeriodSeconds: 0 })
  t.same(client.objects(pods), [])
})

t.test('finalizers hold an object back until the last is taken away', async t => {
  const client = new FakeClient(pod('a'))
  await client.delete(pods, 'a', { namespace: 'default', propagationPolicy: 'Foreground' })
  t.match(client.objects(pods), [{ metadata: { finalizers: ['foregroundDeletion'] } }])
  await client.patch(pods, 'a', { metadata: { finalizers: null } }, { type: 'merge', namespace: 'default' })
  t.same(client.objects(pods), [])
})

t.test('a namespace goes when finalize takes its finalizer', async t => {
  const client = new FakeClient()
  const made = await client.create(namespaces, { metadata: { name: 'x' } })
  await client.delete(namespaces, 'x')
  t.match(client.objects(namespaces), [{ status: { phase: 'Terminating' } }])
  const { resourceVersion: _, ...metadata } = made.metadata ?? {}
  await client.update(namespaces, { ...made, metadata, spec: { finalizers: [] } }, { subresource: 'finalize' })
  t.same(client.objects(namespaces), [])
})

t.test('a watch with a selector sees objects come into it and go out of it', async t => {
  const client = new FakeClient(pod('a'))
  const stop = new AbortController()
  const seen: string[] = []
  const events = client.watch(pods, { labelSelector: 'app=a', signal: stop.signal })
  const done = (async () => {
    for await (const event of events) seen.push(`${event.type} ${event.object.metadata?.labels?.['app']}`)
  })()
  const where = { type: 'merge', namespace: 'default' } as const
  await client.patch(pods, 'a', { metadata: { labels: { app: 'b' } } }, where)
  await client.patch(pods, 'a', { metadata: { labels: { app: 'a' } } }, where)
  await client.delete(pods, 'a', { namespace: 'default' })
  await new Promise(resolve => setImmediate(resolve))
  stop.abort()
  await done
  t.same(seen, ['ADDED a', 'DELETED a', 'ADDED a', 'DELETED a'].slice(-seen.length))
})

t.test('what is returned cannot be changed', async t => {
  const client = new FakeClient(pod('a'))
  const found = await client.get(pods, 'a', { namespace: 'default' })
  t.throws(() => {
    ;(found.metadata as { name: string }).name = 'b'
  }, TypeError)
})
