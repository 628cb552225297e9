import t from 'tap'
import type { KubeObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { namespaces, resourceQuotas, secrets } from '../../../kube/resources.ts'
import { runControllers } from './harness.ts'
import { namespace } from './objects.ts'

const widgets: Resource<KubeObject> = {
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
}

const definition = (established: boolean) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com', uid: 'crd' },
  spec: {
    group: 'example.com',
    names: { kind: 'Widget', plural: 'widgets' },
    scope: 'Namespaced',
    versions: [
      { name: 'v2', served: true, storage: false },
      { name: 'v1', served: true, storage: true },
    ],
  },
  status: { conditions: [{ type: 'Established', status: established ? 'True' : 'False' }] },
})

const widget = (name: string, where = 'default') => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace: where, uid: name },
})

const ownedSecret = (name: string, owner: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Widget', name: owner, uid: owner }],
  },
})

const namesOf = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata?.name)

t.test('what a custom resource owns goes with it, once its kind is known', async t => {
  const h = await runControllers(
    t,
    ['garbage-collector-controller'],
    [widget('here'), ownedSecret('kept', 'here'), ownedSecret('left', 'gone')],
  )
  t.same(namesOf(h.client.objects(secrets)), ['kept', 'left'], 'nothing is known of widgets yet')
  h.client.set(definition(false))
  await h.settle()
  t.same(namesOf(h.client.objects(secrets)), ['kept', 'left'], 'nor are they served')
  h.client.set(definition(true))
  await h.settle()
  t.same(namesOf(h.client.objects(secrets)), ['kept'])
  await h.client.delete(widgets, 'here', { namespace: 'default' })
  await h.settle()
  t.same(h.client.objects(secrets), [])
})

t.test('nothing is deleted because a definition goes or its version changes', async t => {
  const h = await runControllers(
    t,
    ['garbage-collector-controller'],
    [definition(true), widget('here'), ownedSecret('kept', 'here')],
  )
  h.client.remove(definition(true))
  await h.settle()
  t.same(namesOf(h.client.objects(secrets)), ['kept'])
})

t.test('a namespace takes its custom resources along', async t => {
  const h = await runControllers(t, ['namespace-controller'], [namespace('x')])
  h.client.set(definition(true))
  h.client.set(widget('inside', 'x'))
  await h.settle()
  await h.client.delete(namespaces, 'x')
  await h.settle()
  t.same(h.client.objects(widgets), [])
  t.same(h.client.objects(namespaces), [])
})

t.test('a quota of custom resources is counted from when their kind is known', async t => {
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'default', uid: 'q' },
    spec: { hard: { 'count/widgets.example.com': '5' } },
  }
  const h = await runControllers(t, ['resourcequota-controller'], [quota, widget('a'), widget('b', 'other')])
  const used = () => h.client.objects(resourceQuotas)[0]?.status?.used
  t.same(used(), {}, 'nothing is known of widgets yet')
  h.client.set(definition(true))
  await h.settle()
  t.same(used(), { 'count/widgets.example.com': '1' })
  await h.client.delete(widgets, 'a', { namespace: 'default' })
  await h.settle()
  t.same(used(), { 'count/widgets.example.com': '0' })
  h.client.remove(definition(true))
  h.client.set({ ...quota, spec: { hard: { ...quota.spec.hard, pods: '1' } }, status: { used: used() ?? {} } })
  await h.settle()
  t.same(used(), { 'count/widgets.example.com': '0', pods: '0' }, 'what is no longer served stays as it was')
})
