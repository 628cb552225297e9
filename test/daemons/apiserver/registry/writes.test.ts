import t from 'tap'
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { configMaps, deployments, namespaces, pods, services } from '../../../../kube/resources.ts'
import type { ApiError } from '../../../../kube/status.ts'
import { configMap, deployment, makeRegistry, pod } from './test-registry.ts'

const ns = { namespace: 'default' }
const failure = async (work: Promise<unknown>): Promise<ApiError['status']> => {
  try {
    await work
  } catch (error) {
    return (error as ApiError).status
  }
  throw new Error('it did not fail')
}

void t.test('create gives a uid, a time, a version and, where the kind has one, a generation', async t => {
  const { client } = await makeRegistry(t)
  const made = await client.create(deployments, deployment('web'))
  t.match(made.metadata, { uid: /^[0-9a-f-]{36}$/, creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 })
  t.match(made.metadata?.resourceVersion, /^\d+$/)
  t.equal((await client.create(configMaps, configMap('a'))).metadata?.generation, undefined)
})

void t.test('create completes a generated name with five characters', async t => {
  const { client } = await makeRegistry(t)
  const { name: _, ...metadata } = { ...configMap('x').metadata, generateName: 'job-' }
  const made = await client.create(configMaps, { ...configMap('x'), metadata })
  t.match(made.metadata?.name, /^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
})

void t.test('failures carry upstream’s messages, reasons and details', async t => {
  const { client } = await makeRegistry(t)
  await client.create(configMaps, configMap('a'))
  await client.create(deployments, deployment('web'))
  const broken = { ...deployment('x'), spec: { template: deployment('x').spec.template } } as unknown as Deployment
  const elsewhere = { ...configMap('b'), metadata: { name: 'b', namespace: 'absent' } }
  const cases: [string, Promise<unknown>, object][] = [
    [
      'not found',
      client.get(pods, 'x', ns),
      { message: 'pods "x" not found', code: 404, details: { name: 'x', kind: 'pods' } },
    ],
    ['not found, with a group', client.get(deployments, 'x', ns), { message: 'deployments.apps "x" not found' }],
    [
      'taken',
      client.create(configMaps, configMap('a')),
      { message: 'configmaps "a" already exists', reason: 'AlreadyExists' },
    ],
    [
      'old version',
      client.update(configMaps, { ...configMap('a'), metadata: { ...configMap('a').metadata, resourceVersion: '1' } }),
      {
        message:
          'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
        code: 409,
      },
    ],
    [
      'invalid',
      client.create(deployments, broken),
      {
        message: /^Deployment\.apps "x" is invalid: .*spec\.selector: Required value/,
        code: 422,
        details: { kind: 'Deployment' },
      },
    ],
    ['absent namespace', client.create(configMaps, elsewhere), { message: 'namespaces "absent" not found', code: 404 }],
    [
      'protected namespace',
      client.delete(namespaces, 'kube-system'),
      { message: 'namespaces "kube-system" is forbidden: this namespace may not be deleted', code: 403 },
    ],
    [
      'version on create',
      client.create(configMaps, { ...configMap('c'), metadata: { ...configMap('c').metadata, resourceVersion: '5' } }),
      { message: 'resourceVersion should not be set on objects to be created', code: 400 },
    ],
    ['wrong namespace', client.create(configMaps, configMap('c'), { namespace: 'kube-system' }), { code: 400 }],
  ]
  for (const [name, work, want] of cases) t.match(await failure(work), want, name)
})

void t.test('an update that changes nothing writes nothing', async t => {
  const { client, store } = await makeRegistry(t)
  const made = await client.create(deployments, deployment('web'))
  const before = store.revision
  const again = await client.update(deployments, structuredClone(made))
  t.equal(again.metadata?.resourceVersion, made.metadata?.resourceVersion)
  await client.patch(deployments, 'web', { spec: { replicas: 1 } }, { type: 'merge', ...ns })
  t.equal(store.revision, before)
})

void t.test('generation rises with the spec, and with nothing else', async t => {
  const { client } = await makeRegistry(t)
  await client.create(deployments, deployment('web'))
  const labelled = await client.patch(
    deployments,
    'web',
    { metadata: { labels: { a: 'b' } } },
    { type: 'merge', ...ns },
  )
  t.equal(labelled.metadata?.generation, 1)
  const scaled = await client.patch(deployments, 'web', { spec: { replicas: 3 } }, { type: 'strategic', ...ns })
  t.equal(scaled.metadata?.generation, 2)
})

void t.test('status and spec are written each through their own door', async t => {
  const { client } = await makeRegistry(t)
  const made = await client.create(deployments, deployment('web'))
  const both = { ...structuredClone(made), spec: { ...made.spec, replicas: 9 }, status: { replicas: 7 } }
  const status = await client.update(deployments, both as typeof made, { subresource: 'status' })
  t.equal(status.status?.replicas, 7)
  t.equal(status.spec?.replicas, 1)
  t.equal(status.metadata?.generation, 1)
  const { resourceVersion: _, ...metadata } = both.metadata ?? {}
  const spec = await client.update(deployments, { ...both, metadata, status: { replicas: 1 } } as typeof made)
  t.equal(spec.status?.replicas, 7)
  t.equal(spec.spec?.replicas, 9)
})

void t.test('writers that name no version never lose each other’s fields', async t => {
  const { client } = await makeRegistry(t)
  await client.create(configMaps, configMap('a'))
  await Promise.all(
    ['a', 'b', 'c', 'd'].map(key => client.patch(configMaps, 'a', { data: { [key]: key } }, { type: 'merge', ...ns })),
  )
  t.same((await client.get(configMaps, 'a', ns)).data, { a: 'a', b: 'b', c: 'c', d: 'd' })
})

void t.test('the four kinds of patch', async t => {
  const { client } = await makeRegistry(t)
  await client.create(deployments, deployment('web'))
  const image = { spec: { template: { spec: { containers: [{ name: 'web', image: 'busybox:2' }] } } } }
  const merged = await client.patch(deployments, 'web', image, { type: 'strategic', ...ns })
  t.match(merged.spec?.template.spec?.containers, [
    { name: 'web', image: 'busybox:2', imagePullPolicy: 'IfNotPresent' },
  ])
  const json = [{ op: 'replace', path: '/spec/replicas', value: 4 }]
  t.equal((await client.patch(deployments, 'web', json, { type: 'json', ...ns })).spec?.replicas, 4)
  const applied = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'applied', namespace: 'default' },
    data: { a: '1' },
  }
  const options = { type: 'apply', fieldManager: 'me', ...ns } as const
  const first = await client.patch(configMaps, 'applied', applied, options)
  t.match(first.metadata, { managedFields: [{ manager: 'me', operation: 'Apply' }] })
  const again = await client.patch(configMaps, 'applied', applied, options)
  t.equal(again.metadata?.resourceVersion, first.metadata?.resourceVersion, 'the same apply again writes nothing')
  const other = { ...applied, data: { a: '2' } }
  t.match(await failure(client.patch(configMaps, 'applied', other, { ...options, fieldManager: 'you' })), {
    reason: 'Conflict',
    details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.a' }] },
  })
  const forced = await client.patch(configMaps, 'applied', other, { ...options, fieldManager: 'you', force: true })
  t.same(forced.data, { a: '2' })
})

void t.test('a dry run answers as if, and writes nothing', async t => {
  const { client, store } = await makeRegistry(t)
  const before = store.revision
  const made = await client.create(configMaps, configMap('a'), { dryRun: true })
  t.ok(made.metadata?.uid)
  t.equal(store.revision, before)
  const service: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'default' } }
  const spec = { ports: [{ port: 80 }], clusterIP: '10.96.7.7' }
  await client.create(services, { ...service, spec }, { dryRun: true })
  const real = await client.create(services, { ...service, spec })
  t.equal(real.spec?.clusterIP, '10.96.7.7', 'what a dry run allocated is given back')
})

void t.test('scale reads and writes replicas alone', async t => {
  const { client } = await makeRegistry(t)
  await client.create(deployments, deployment('web'))
  const scale = await client.patch(
    deployments,
    'web',
    { spec: { replicas: 5 } },
    { type: 'merge', subresource: 'scale', ...ns },
  )
  t.match(scale, {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    spec: { replicas: 5 },
    status: { selector: 'app=web' },
  })
  t.equal((await client.get(deployments, 'web', ns)).spec?.replicas, 5)
  const negative = client.patch(
    deployments,
    'web',
    { spec: { replicas: -1 } },
    { type: 'merge', subresource: 'scale', ...ns },
  )
  t.match(await failure(negative), { code: 422, message: /greater than or equal to 0/ })
})

void t.test('a pod is bound once', async t => {
  const { client } = await makeRegistry(t)
  await client.create(pods, pod('p'))
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'p', namespace: 'default' },
    target: { kind: 'Node', name: 'n1' },
  } as unknown as UnknownObject
  await client.create(pods as never, binding as never, { subresource: 'binding' })
  const bound = await client.get(pods, 'p', ns)
  t.equal(bound.spec?.nodeName, 'n1')
  t.match(bound.status?.conditions, [{ type: 'PodScheduled', status: 'True' }])
  t.match(await failure(client.create(pods as never, binding as never, { subresource: 'binding' })), {
    code: 409,
    message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
  })
})

void t.test('unknown fields are dropped, wrong types refused', async t => {
  const { client } = await makeRegistry(t)
  const odd = { ...configMap('odd'), foo: 1, metadata: { ...configMap('odd').metadata, creationTimestamp: null } }
  const made = (await client.create(configMaps, odd as never)) as UnknownObject
  t.equal(made['foo'], undefined)
  const wrong = structuredClone(deployment('w')) as unknown as { spec: { replicas: unknown } }
  wrong.spec.replicas = 'three'
  t.match(await failure(client.create(deployments, wrong as never)), {
    code: 400,
    message:
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  })
})
