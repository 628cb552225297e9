import t, { type Test } from 'tap'
import type { ConfigMap } from 'kubernetes-types/core/v1.js'
import type { ReadOptions } from '../../../../kube/client/client.ts'
import { FakeClient } from '../../../../kube/client/fake-client.ts'
import { ObjectSource } from '../../../../daemons/kubelet/config/object-source.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import type { KubeObject } from '../../../../kube/object.ts'
import type { Resource } from '../../../../kube/resource.ts'

const configMap = (value: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'ca', namespace: 'n' },
  data: { value },
})

/** Counts what is read one by one. */
class CountingClient extends FakeClient {
  gets = 0
  override get<T extends KubeObject>(resource: Resource<T>, name: string, options: ReadOptions = {}): Promise<T> {
    this.gets++
    return super.get(resource, name, options)
  }
}

const make = (t: Test, ...objects: ConfigMap[]) => {
  const client = new CountingClient(...objects)
  const stop = new AbortController()
  t.teardown(() => stop.abort(new Error('the test ended')))
  const failures: unknown[] = []
  const options = { signal: stop.signal, clock: new FakeClock(), onError: (error: unknown) => failures.push(error) }
  const source = new ObjectSource(client, options)
  /** Follows the ConfigMap for a pod, and ends when the pod is first told of it. */
  const follow = (uid: string): Promise<void> =>
    new Promise(resolve => source.follow(uid, 'n', new Set(['configmaps/ca']), resolve))
  const value = async () => (await source.configMap('n', 'ca'))?.data?.['value']
  return { client, source, follow, value }
}

t.test('what no pod has mounted is read from the API each time', async t => {
  const { client, value } = make(t, configMap('old'))
  t.equal(await value(), 'old')
  client.set(configMap('new'))
  t.equal(await value(), 'new')
  t.equal(client.gets, 2)
})

t.test('what a pod has mounted costs the next pod no request', async t => {
  const { client, follow, value } = make(t, configMap('old'))
  await follow('a')
  for (let n = 0; n < 10; n++) t.equal(await value(), 'old')
  t.equal(client.gets, 0)
})

t.test('a change is told to whoever follows, and what is read then is new', async t => {
  const { client, source, follow, value } = make(t, configMap('old'))
  await follow('a')
  const told = new Promise<void>(resolve => source.follow('b', 'n', new Set(['configmaps/ca']), resolve))
  client.set(configMap('new'))
  await told
  t.equal(await value(), 'new')
  t.equal(client.gets, 0)
})

t.test('what is not there yet is asked for, though it is watched', async t => {
  const { client, source, value } = make(t)
  source.follow('a', 'n', new Set(['configmaps/ca']), () => {})
  t.equal(await value(), undefined)
  t.equal(client.gets, 1)
})

t.test('when the last pod has gone it is read from the API again', async t => {
  const { client, source, follow, value } = make(t, configMap('old'))
  await follow('a')
  source.follow('a', 'n', new Set(), () => {})
  t.equal(await value(), 'old')
  t.equal(client.gets, 1)
})
