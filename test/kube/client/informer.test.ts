import type { ConfigMap } from 'kubernetes-types/core/v1.js'
import t, { type Test } from 'tap'
import { FakeClock } from '../../../host/clock-fake.ts'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import { Informer } from '../../../kube/client/informer.ts'
import { SkiffError } from '../../../kube/errors.ts'
import { configMaps } from '../../../kube/resources.ts'

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  data,
})

const turn = async () => {
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
}

const setUp = (t: Pick<Test, 'teardown'>, client: FakeClient) => {
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const clock = new FakeClock()
  const errors: unknown[] = []
  const informer = new Informer(client, configMaps, {
    signal: stop.signal,
    clock,
    indexes: { color: o => (o.data?.['color'] === undefined ? [] : [o.data['color']]) },
    onError: error => errors.push(error),
  })
  const seen: string[] = []
  informer.subscribe({
    added: o => seen.push(`+${o.metadata?.name}`),
    updated: (o, old) => seen.push(`~${o.metadata?.name} ${old.data?.['color']}->${o.data?.['color']}`),
    deleted: o => seen.push(`-${o.metadata?.name}`),
  })
  return { informer, seen, errors, clock, stop }
}

t.test('an informer lists, then follows the watch, and keeps its indexes', async t => {
  const client = new FakeClient(configMap('a', { color: 'red' }))
  const { informer, seen } = setUp(t, client)
  informer.start()
  await informer.synced
  await turn()
  client.set(configMap('b', { color: 'red' }))
  client.set(configMap('a', { color: 'blue' }))
  await turn()
  t.same(
    informer.byIndex('color', 'red').map(o => o.metadata?.name),
    ['b'],
  )
  client.remove(configMap('b'))
  await turn()
  t.same(seen, ['+a', '+b', '~a red->blue', '-b'])
  t.equal(informer.get('default/b'), undefined)
  t.same(informer.byIndex('color', 'red'), [])
})

t.test('who subscribes late is told of what is there', async t => {
  const { informer } = setUp(t, new FakeClient(configMap('a')))
  informer.start()
  await informer.synced
  const late: string[] = []
  informer.subscribe({ added: o => late.push(o.metadata?.name ?? '') })
  t.same(late, ['a'])
})

t.test('a compacted history is answered by a new list whose difference handlers are told', async t => {
  const client = new FakeClient(configMap('a'), configMap('b', { color: 'red' }))
  const { informer, seen, errors, clock } = setUp(t, client)
  let held = false
  const watch = client.watch.bind(client)
  // The watch dies, and while it is down the history moves on and is compacted.
  client.watch = (resource, options) => {
    if (held) return watch(resource, options)
    held = true
    return (async function* () {
      yield* []
      client.remove(configMap('a'))
      client.set(configMap('b', { color: 'blue' }))
      client.set(configMap('c'))
      client.compact()
    })()
  }
  informer.start()
  await informer.synced
  await turn()
  await clock.advance(1000)
  await turn()
  await clock.advance(1000)
  await turn()
  t.same(seen, ['+a', '+b', '-a', '~b red->blue', '+c'])
  t.same(errors, [], 'Expired is ordinary and not reported')
})

t.test('a connection that breaks is resumed where it was, with a growing wait', async t => {
  const client = new FakeClient(configMap('a'))
  let lists = 0
  let watches = 0
  const list = client.list.bind(client)
  const watch = client.watch.bind(client)
  client.list = (resource, options) => {
    lists++
    return list(resource, options)
  }
  client.watch = (resource, options) => {
    if (++watches > 3) return watch(resource, options)
    throw new SkiffError('UNAVAILABLE', 'gone')
  }
  const { informer, seen, errors, clock } = setUp(t, client)
  informer.start()
  await informer.synced
  for (let i = 0; i < 5; i++) await clock.advance(1000)
  client.set(configMap('b'))
  await turn()
  t.equal(lists, 1)
  t.equal(watches, 4)
  t.equal(errors.length, 3)
  t.same(seen, ['+a', '+b'])
})

t.test('a line that cannot be read leads to a new list', async t => {
  const client = new FakeClient(configMap('a'))
  let broken = false
  const watch = client.watch.bind(client)
  client.watch = (resource, options) => {
    if (broken) return watch(resource, options)
    broken = true
    client.set(configMap('b'))
    throw new SkiffError('CORRUPT', 'not JSON')
  }
  const { informer, seen, clock } = setUp(t, client)
  informer.start()
  await informer.synced
  await turn()
  await clock.advance(1000)
  t.same(seen, ['+a', '+b'])
})

t.test('a handler that throws does not stop the others or the stream', async t => {
  const client = new FakeClient(configMap('a'))
  const { informer, errors } = setUp(t, client)
  const after: string[] = []
  informer.subscribe({
    added: () => {
      throw new Error('broken handler')
    },
  })
  informer.subscribe({ added: o => after.push(o.metadata?.name ?? '') })
  informer.start()
  await informer.synced
  await turn()
  client.set(configMap('b'))
  await turn()
  t.same(after, ['a', 'b'])
  t.equal(errors.length, 2)
})

t.test('an object of the same name with another uid is a deletion and an addition', async t => {
  const client = new FakeClient(configMap('a'))
  const { informer, seen } = setUp(t, client)
  informer.start()
  await informer.synced
  await turn()
  client.set({ ...configMap('a'), metadata: { name: 'a', namespace: 'default', uid: 'other' } })
  await turn()
  t.same(seen, ['+a', '-a', '+a'])
})

t.test('aborting before the first list rejects synced', async t => {
  const client = new FakeClient()
  client.list = () => Promise.reject(new SkiffError('UNAVAILABLE', 'down'))
  const { informer, stop } = setUp(t, client)
  informer.start()
  stop.abort(new Error('stop'))
  await t.rejects(informer.synced, { message: 'stop' })
})
