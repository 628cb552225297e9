import t from 'tap'
import { listObjects } from '../../../../daemons/apiserver/registry/read-objects.ts'
import { watchObjects, type WatchRequest } from '../../../../daemons/apiserver/registry/watch-objects.ts'
import { configMaps, events, pods } from '../../../../kube/resources.ts'
import type { ApiError } from '../../../../kube/status.ts'
import { configMap, makeRegistry, pod } from './test-registry.ts'

const ns = { namespace: 'default' }

void t.test('pages of one list are of one moment, and expire with its history', async t => {
  const { client, store } = await makeRegistry(t)
  for (const name of ['a', 'b', 'c', 'd']) await client.create(configMaps, configMap(name))
  const first = await client.list(configMaps, { ...ns, limit: 2 })
  t.same(
    first.items.map(item => item.metadata?.name),
    ['a', 'b'],
  )
  t.equal(first.metadata.remainingItemCount, 2)
  await client.delete(configMaps, 'c', ns)
  await client.create(configMaps, configMap('cc'))
  const token = first.metadata.continue ?? ''
  const second = await client.list(configMaps, { ...ns, limit: 5, continue: token })
  t.same(
    second.items.map(item => item.metadata?.name),
    ['c', 'd'],
  )
  t.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
  await store.compact(store.revision)
  try {
    await client.list(configMaps, { ...ns, continue: token })
    t.fail('it was served')
  } catch (error) {
    const { status } = error as ApiError
    t.match(status, { code: 410, reason: 'Expired' })
    const rest = await client.list(configMaps, { ...ns, continue: status.metadata.continue ?? '' })
    t.same(
      rest.items.map(item => item.metadata?.name),
      ['cc', 'd'],
      'the token in the failure goes on with what is there now',
    )
  }
})

void t.test('selectors choose by labels and by the fields the kind names', async t => {
  const { client } = await makeRegistry(t)
  await client.create(pods, pod('a', { labels: { app: 'x', tier: 'front' } }))
  await client.create(pods, pod('b', { labels: { app: 'x' } }))
  await client.create(pods, { ...pod('c'), spec: { ...pod('c').spec, nodeName: 'n1' } })
  const names = async (options: object) =>
    (await client.list(pods, { ...ns, ...options })).items.map(item => item.metadata?.name)
  t.same(await names({ labelSelector: 'app=x,!tier' }), ['b'])
  t.same(await names({ labelSelector: 'tier in (front, back)' }), ['a'])
  t.same(await names({ fieldSelector: 'spec.nodeName=n1' }), ['c'])
  t.same(await names({ fieldSelector: 'metadata.name!=a,status.phase=Pending' }), ['b', 'c'])
  t.same(await names({ labelSelector: 'app=x', limit: 1 }), ['a'])
  t.same(await names({ fieldSelector: 'metadata.name=b' }), ['b'])
  await client.create(pods, pod('bb'))
  t.same(await names({ fieldSelector: 'metadata.name=b' }), ['b'], 'nor what its name begins')
  await client.delete(pods, 'bb', { ...ns, gracePeriodSeconds: 0 })
  const everywhere = await client.list(pods, { fieldSelector: 'metadata.name=b' })
  t.equal(everywhere.items.length, 1, 'in all namespaces')
  t.same(await names({ labelSelector: 'app' }), ['a', 'b'])
  t.same(await names({ labelSelector: 'ap=x' }), [], 'a label that another one ends with is not it')
  await t.rejects(names({ fieldSelector: 'spec.foo=1' }), { message: 'field label not supported: spec.foo' })
})

void t.test('a version of the future is refused, one of the past is served', async t => {
  const { registry, store } = await makeRegistry(t)
  const kind = registry.kind('', 'v1', 'configmaps')
  if (kind === undefined) throw new Error('no configmaps')
  const target = { kind, namespace: 'default', name: '' }
  await t.rejects(listObjects(registry, target, { resourceVersion: '99999' }), {
    message: /Too large resource version/,
  })
  await t.rejects(listObjects(registry, target, { resourceVersion: 'x' }), { message: /invalid resource version/ })
  const list = await listObjects(registry, target, { resourceVersion: '1' })
  t.equal(list.resourceVersion, String(store.revision))
  const exact = await listObjects(registry, target, { resourceVersion: '2', resourceVersionMatch: 'Exact' })
  t.equal(exact.resourceVersion, '2')
})

void t.test('a page of a named version is of exactly that one; of any version, the whole list comes', async t => {
  const { client, registry } = await makeRegistry(t)
  const kind = registry.kind('', 'v1', 'configmaps')
  if (kind === undefined) throw new Error('no configmaps')
  const target = { kind, namespace: 'default', name: '' }
  const made = await client.create(configMaps, configMap('one'))
  await client.create(configMaps, configMap('two'))
  const version = made.metadata?.resourceVersion ?? ''
  const page = await listObjects(registry, target, { resourceVersion: version, limit: 5 })
  t.equal(page.resourceVersion, version)
  t.equal(page.entries.length, 1)
  const any = await listObjects(registry, target, { resourceVersion: '0', limit: 1 })
  t.equal(any.entries.length, 2)
  t.equal(any.continue, undefined)
})

const recorder = () => {
  const lines: string[] = []
  return {
    lines,
    sink: {
      event: (type: string, entry: { object: { metadata?: { name?: string } } }) => {
        lines.push(`${type} ${entry.object.metadata?.name}`)
      },
      end: () => {
        lines.push('END')
      },
      bookmark: (_: string, end: boolean) => {
        lines.push(end ? 'BOOKMARK end' : 'BOOKMARK')
      },
    },
  }
}

void t.test('a watch starts with what is there, or from a version, as it is asked', async t => {
  const { registry, client } = await makeRegistry(t)
  const kind = registry.kind('', 'v1', 'configmaps')
  if (kind === undefined) throw new Error('no configmaps')
  const a = await client.create(configMaps, configMap('a'))
  await client.create(configMaps, configMap('b'))
  const run = (request: Partial<WatchRequest>): string[] => {
    const { lines, sink } = recorder()
    watchObjects(registry, { kind, namespace: 'default', name: '' }, { allowBookmarks: true, ...request, sink }).close()
    return lines
  }
  t.same(run({}), ['ADDED a', 'ADDED b'])
  t.same(run({ resourceVersion: '0' }), ['ADDED a', 'ADDED b'])
  t.same(run({ resourceVersion: a.metadata?.resourceVersion }), ['ADDED b'])
  t.same(run({ sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }), ['ADDED a', 'ADDED b', 'BOOKMARK end'])
  t.same(run({ sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan' }), [])
})

void t.test('what leaves a selection is deleted for its watcher, what comes into it is added', async t => {
  const { registry, client } = await makeRegistry(t)
  const kind = registry.kind('', 'v1', 'configmaps')
  if (kind === undefined) throw new Error('no configmaps')
  await client.create(configMaps, configMap('a'))
  const { lines, sink } = recorder()
  const target = { kind, namespace: 'default', name: '' }
  const watch = watchObjects(registry, target, { labelSelector: 'on=yes', allowBookmarks: true, sink })
  const label = (on: string | null) =>
    client.patch(configMaps, 'a', { metadata: { labels: { on } } }, { type: 'merge', ...ns })
  await label('yes')
  await client.patch(configMaps, 'a', { data: { x: '1' } }, { type: 'merge', ...ns })
  await label('no')
  await client.patch(configMaps, 'a', { data: { x: '2' } }, { type: 'merge', ...ns })
  watch.bookmark()
  watch.bookmark()
  await label('yes')
  await client.delete(configMaps, 'a', ns)
  watch.close()
  t.same(lines, ['ADDED a', 'MODIFIED a', 'DELETED a', 'BOOKMARK', 'ADDED a', 'DELETED a'])
})

void t.test('a client’s watch throws Expired from a compacted version, and ends with its signal', async t => {
  const { client, store } = await makeRegistry(t)
  const stop = new AbortController()
  await store.compact(store.revision)
  await t.rejects(
    (async () => {
      for await (const _ of client.watch(configMaps, { resourceVersion: '1', signal: stop.signal })) break
    })(),
    { message: /too old resource version/ },
  )
  const seen: string[] = []
  const watching = (async () => {
    for await (const event of client.watch(configMaps, { ...ns, signal: stop.signal })) {
      seen.push(`${event.type} ${event.object.metadata?.name}`)
      if (seen.length === 2) stop.abort()
    }
  })()
  await client.create(configMaps, configMap('a'))
  await client.delete(configMaps, 'a', ns)
  await watching
  t.same(seen, ['ADDED a', 'DELETED a'])
})

void t.test('core and events.k8s.io Events are two views of the same objects', async t => {
  const { client } = await makeRegistry(t)
  const resource = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', namespaced: true }
  await client.create(events, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'default' },
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    message: 'hello',
    reason: 'Testing',
    type: 'Normal',
    source: { component: 'test' },
  })
  t.match(await client.get(resource, 'e', ns), {
    apiVersion: 'events.k8s.io/v1',
    note: 'hello',
    regarding: { name: 'p' },
  })
  t.match((await client.list(resource, ns)).items, [{ note: 'hello' }])
})

void t.test('a watch ends when its kind is served in another way', async t => {
  const { registry } = await makeRegistry(t)
  const builtin = registry.kind('', 'v1', 'configmaps')
  if (builtin === undefined) throw new Error('no configmaps')
  const row = () => ({ ...builtin, group: 'example.com', plural: 'widgets' })
  const kind = row()
  registry.kinds.set('widgets.example.com', [kind])
  const { lines, sink } = recorder()
  const watch = watchObjects(registry, { kind, namespace: 'default', name: '' }, { allowBookmarks: false, sink })
  registry.kinds.set('gadgets.example.com', [{ ...row(), plural: 'gadgets' }])
  t.same(lines, [], 'another kind is nothing to it')
  registry.kinds.set('widgets.example.com', [row()])
  t.same(lines, ['END'])
  watch.close()
})
