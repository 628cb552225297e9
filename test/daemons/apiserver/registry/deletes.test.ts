import t from 'tap'
import { planDeletion } from '../../../../daemons/apiserver/registry/delete-object.ts'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { Kind } from '../../../../daemons/apiserver/kinds/kind.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { configMaps, namespaces, pods, services } from '../../../../kube/resources.ts'
import { hasReason } from '../../../../kube/status.ts'
import { configMap, makeRegistry, pod } from './test-registry.ts'

const ns = { namespace: 'default' }
const now = Date.parse('2026-01-01T00:00:00Z')
const running = { kind: 'Pod', metadata: { name: 'p', generation: 1 } }
const marked = (grace: number, at: string) => ({
  kind: 'Pod',
  metadata: { name: 'p', deletionTimestamp: at, deletionGracePeriodSeconds: grace },
})

const cases: {
  name: string
  live: UnknownObject
  grace?: number
  kind?: Pick<Kind, 'garbageCollection'>
  request: object
  want: object | undefined
}[] = [
  { name: 'a kind without a grace period goes at once', live: running, request: {}, want: undefined },
  {
    name: 'a pod is marked with its own grace period',
    live: running,
    grace: 30,
    request: {},
    want: { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30, generation: 2 },
  },
  {
    name: 'the caller’s grace period wins over the pod’s',
    live: running,
    grace: 30,
    request: { gracePeriodSeconds: 5 },
    want: { deletionGracePeriodSeconds: 5 },
  },
  { name: 'grace period 0 is at once', live: running, grace: 30, request: { gracePeriodSeconds: 0 }, want: undefined },
  {
    name: 'a second delete may shorten the grace period, counted from the first',
    live: marked(30, '2026-01-01T00:00:30Z'),
    grace: 30,
    request: { gracePeriodSeconds: 10 },
    want: { deletionTimestamp: '2026-01-01T00:00:10Z', deletionGracePeriodSeconds: 10 },
  },
  {
    name: 'a second delete never lengthens it',
    live: marked(5, '2026-01-01T00:00:05Z'),
    grace: 30,
    request: { gracePeriodSeconds: 60 },
    want: { deletionTimestamp: '2026-01-01T00:00:05Z', deletionGracePeriodSeconds: 5 },
  },
  {
    name: 'a second delete that names no grace period changes nothing',
    live: marked(5, '2026-01-01T00:00:05Z'),
    grace: 30,
    request: {},
    want: { deletionGracePeriodSeconds: 5 },
  },
  {
    name: 'foreground deletion waits for the dependents',
    live: running,
    request: { propagationPolicy: 'Foreground' },
    want: { finalizers: ['foregroundDeletion'], deletionGracePeriodSeconds: 0 },
  },
  {
    name: 'orphaning waits for the owners to be taken out',
    live: running,
    request: { orphanDependents: true },
    want: { finalizers: ['orphan'] },
  },
  {
    name: 'background deletion takes the other policies’ finalizers off',
    live: { kind: 'Pod', metadata: { finalizers: ['orphan'] } },
    request: { propagationPolicy: 'Background' },
    want: undefined,
  },
  {
    name: 'dependents of a kind that leaves them behind are orphaned where nothing is said',
    live: running,
    kind: { garbageCollection: 'OrphanDependents' },
    request: {},
    want: { finalizers: ['orphan'] },
  },
  {
    name: 'a policy that is said wins over the kind’s',
    live: running,
    kind: { garbageCollection: 'OrphanDependents' },
    request: { propagationPolicy: 'Background' },
    want: undefined,
  },
  {
    name: 'and so does a finalizer that the object has',
    live: { kind: 'Pod', metadata: { finalizers: ['foregroundDeletion'] } },
    kind: { garbageCollection: 'OrphanDependents' },
    request: {},
    want: { finalizers: ['foregroundDeletion'] },
  },
  {
    name: 'what has no dependents goes whatever is said of them',
    live: running,
    kind: { garbageCollection: 'Unsupported' },
    request: { propagationPolicy: 'Foreground' },
    want: undefined,
  },
]
for (const { name, live, grace, kind, request, want } of cases)
  void t.test(name, async t => {
    const next = planDeletion(live, { request, kind: { gracePeriodSeconds: () => grace, ...kind }, nowMs: now })
    if (want === undefined) t.equal(next, undefined)
    else t.match(next?.metadata, want)
  })

void t.test('an object with a finalizer lingers until the last one is taken off', async t => {
  const { client } = await makeRegistry(t)
  await client.create(configMaps, {
    ...configMap('a'),
    metadata: { ...configMap('a').metadata, finalizers: ['example.com/wait'] },
  })
  await client.delete(configMaps, 'a', ns)
  const lingering = await client.get(configMaps, 'a', ns)
  t.ok(lingering.metadata?.deletionTimestamp)
  await client.patch(configMaps, 'a', { metadata: { finalizers: null } }, { type: 'merge', ...ns })
  await t.rejects(client.get(configMaps, 'a', ns), { message: 'configmaps "a" not found' })
})

void t.test(
  'a pod that no node runs goes at once, one that runs is marked and then removed with grace period 0',
  async t => {
    const { client } = await makeRegistry(t)
    await client.create(pods, pod('unscheduled'))
    await client.delete(pods, 'unscheduled', ns)
    await t.rejects(client.get(pods, 'unscheduled', ns))
    const placed = pod('placed')
    await client.create(pods, { ...placed, spec: { ...placed.spec, nodeName: 'n1' } })
    await client.delete(pods, 'placed', ns)
    const marked = await client.get(pods, 'placed', ns)
    t.equal(marked.metadata?.deletionGracePeriodSeconds, 30)
    const uid = marked.metadata?.uid ?? ''
    await t.rejects(
      client.delete(pods, 'placed', { ...ns, gracePeriodSeconds: 0, preconditions: { uid: 'another' } }),
      { message: /the UID in the precondition \(another\) does not match the UID in record/ },
    )
    await client.delete(pods, 'placed', { ...ns, gracePeriodSeconds: 0, preconditions: { uid } })
    await t.rejects(client.get(pods, 'placed', ns))
  },
)

void t.test(
  'a namespace is terminating until finalize empties its finalizers, and takes nothing new meanwhile',
  async t => {
    const { client } = await makeRegistry(t)
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } })
    await client.delete(namespaces, 'team')
    const leaving = await client.get(namespaces, 'team')
    t.equal(leaving.status?.phase, 'Terminating')
    try {
      await client.create(configMaps, { ...configMap('a'), metadata: { name: 'a', namespace: 'team' } })
      t.fail('it was created')
    } catch (error) {
      t.ok(hasReason(error, 'Forbidden'))
      t.match((error as Error).message, /because it is being terminated/)
    }
    await client.update(namespaces, { ...leaving, spec: { finalizers: [] } }, { subresource: 'finalize' })
    await t.rejects(client.get(namespaces, 'team'))
  },
)

void t.test('a service that is gone gives its address back', async t => {
  const { client } = await makeRegistry(t)
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'default', finalizers: ['example.com/wait'] },
    spec: { ports: [{ port: 80 }], clusterIP: '10.96.9.9' },
  }
  await client.create(services, service)
  await client.delete(services, 's', ns)
  const second: Service = { ...service, metadata: { name: 'second', namespace: 'default' } }
  await t.rejects(client.create(services, second), { message: /already allocated/ }, 'while it lingers it keeps it')
  await client.patch(services, 's', { metadata: { finalizers: null } }, { type: 'merge', ...ns })
  t.equal((await client.create(services, second)).spec?.clusterIP, '10.96.9.9')
})
