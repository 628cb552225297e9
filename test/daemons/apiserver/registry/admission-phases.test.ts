import t from 'tap'
import type { AdmissionPlugin, AdmissionRequest } from '../../../../daemons/apiserver/admission/plugin.ts'
import { forbid } from '../../../../daemons/apiserver/admission/forbid.ts'
import { admitConnect } from '../../../../daemons/apiserver/registry/admit-connect.ts'
import { deleteCollection } from '../../../../daemons/apiserver/registry/delete-object.ts'
import type { RequestContext } from '../../../../daemons/apiserver/registry/registry.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cloneJson } from '../../../../kube/patch/json-value.ts'
import { configMaps, deployments, namespaces, pods } from '../../../../kube/resources.ts'
import { admin, configMap, deployment, makeRegistry, pod } from './test-registry.ts'

const ns = { namespace: 'default' }
const context: RequestContext = {
  user: admin,
  dryRun: false,
  fieldManager: 'test',
  fieldValidation: 'Warn',
  decodeFindings: [],
  warn: () => {},
}

/** Notes what it is shown, in both phases, of the resources named. */
const recorder = (...plurals: string[]) => {
  const seen: string[] = []
  const requests: AdmissionRequest[] = []
  const note = (phase: string) => (request: AdmissionRequest) => {
    const { operation, kind, subresource, name, object, old } = request
    const what = subresource === '' ? kind.plural : `${kind.plural}/${subresource}`
    seen.push(`${phase} ${operation} ${what} ${name}${object ? ' object' : ''}${old ? ' old' : ''}`)
    requests.push({ ...request, object: cloneJson(object), old: cloneJson(old) })
  }
  const plugin: AdmissionPlugin = {
    name: 'Recorder',
    handles: ({ kind }) => plurals.includes(kind.plural),
    admit: note('admit'),
    validate: note('validate'),
    finish: ({ name }, committed) => void seen.push(`finish ${name} ${committed}`),
  }
  return { plugin, seen, requests }
}

void t.test('a write passes the mutating phase, validation and the validating phase, and its end is told', async t => {
  const { plugin, seen } = recorder('configmaps')
  const { client } = await makeRegistry(t, { more: [plugin] })
  await client.create(configMaps, configMap('a'))
  await client.patch(configMaps, 'a', { data: { x: '1' } }, { ...ns, type: 'merge' })
  await client.patch(
    configMaps,
    'a',
    { apiVersion: 'v1', kind: 'ConfigMap', data: { y: '1' } },
    { ...ns, type: 'apply', fieldManager: 'me' },
  )
  await client.delete(configMaps, 'a', ns)
  t.same(seen, [
    'admit create configmaps a object',
    'validate create configmaps a object',
    'finish a true',
    'admit update configmaps a object old',
    'validate update configmaps a object old',
    'finish a true',
    'admit update configmaps a object old',
    'validate update configmaps a object old',
    'finish a true',
    'admit delete configmaps a old',
    'validate delete configmaps a old',
    'finish a true',
  ])
})

void t.test('what validation refuses never reaches the validating phase', async t => {
  const { plugin, seen } = recorder('configmaps')
  const { client } = await makeRegistry(t, { more: [plugin] })
  await t.rejects(client.create(configMaps, configMap('Not A Name')), { message: /is invalid/ })
  t.same(seen, ['admit create configmaps Not A Name object', 'finish Not A Name false'])
})

void t.test('each object of a deletecollection is admitted by itself', async t => {
  const { plugin, seen } = recorder('configmaps')
  const { client, registry } = await makeRegistry(t, { more: [plugin] })
  for (const name of ['a', 'b']) await client.create(configMaps, configMap(name))
  seen.length = 0
  const kind = registry.kind('', 'v1', 'configmaps')
  if (kind === undefined) throw new Error('no ConfigMaps')
  await deleteCollection(registry, { kind, namespace: 'default', name: '' }, { list: {}, options: {} }, context)
  t.same(
    seen.filter(line => line.startsWith('validate')),
    ['validate delete configmaps a old', 'validate delete configmaps b old'],
  )
})

void t.test('a scaling, a binding and an eviction are shown as what they are', async t => {
  const { plugin, requests } = recorder('deployments', 'pods')
  const { client } = await makeRegistry(t, { more: [plugin] })
  await client.create(deployments, deployment('web', 2))
  await client.create(pods, pod('one'))
  requests.length = 0
  await client.patch(deployments, 'web', { spec: { replicas: 5 } }, { ...ns, type: 'merge', subresource: 'scale' })
  const body = (kind: string, more: object = {}) => ({ kind, metadata: { name: 'one', ...ns }, ...more }) as never
  await client.create(pods, body('Binding', { target: { name: 'n1' } }), { name: 'one', subresource: 'binding' })
  await client.create(pods, body('Eviction'), { name: 'one', subresource: 'eviction' })
  t.match(
    requests.map(({ operation, subresource, objectKind, object, old }) => ({
      operation,
      subresource,
      kind: objectKind?.kind,
      spec: object?.['spec'],
      old: old?.['spec'],
    })),
    [
      { operation: 'update', subresource: 'scale', kind: 'Scale', spec: { replicas: 5 }, old: { replicas: 2 } },
      { operation: 'update', subresource: 'scale', kind: 'Scale' },
      { operation: 'create', subresource: 'binding', kind: 'Binding', old: undefined },
      { operation: 'create', subresource: 'binding', kind: 'Binding' },
      { operation: 'create', subresource: 'eviction', kind: 'Eviction', old: undefined },
      { operation: 'create', subresource: 'eviction', kind: 'Eviction' },
    ],
  )
})

const replace = (change: (object: UnknownObject, request: AdmissionRequest) => void): AdmissionPlugin => ({
  name: 'Replace',
  handles: ({ kind }) => kind.plural === 'configmaps' || kind.plural === 'deployments',
  admit: request => {
    const next = cloneJson(request.object)
    if (next === undefined) return
    change(next, request)
    request.object = next
  },
})

void t.test('an object put in the place of another keeps what the system keeps, and is validated', async t => {
  const more = [
    replace((object, { old }) => {
      const labels = { added: object['data'] ? 'yes' : 'not a label!' }
      object.metadata = { ...object.metadata, ...(old ? {} : { uid: 'mine' }), labels }
    }),
  ]
  const { client } = await makeRegistry(t, { more })
  const made = await client.create(configMaps, configMap('a', { x: '1' }))
  t.match(made.metadata, { uid: /^[0-9a-f-]{36}$/, labels: { added: 'yes' } })
  const updated = await client.update(configMaps, { ...configMap('a', { x: '2' }) })
  t.match(updated.metadata, { uid: made.metadata?.uid, labels: { added: 'yes' } })
  await t.rejects(client.create(configMaps, { ...configMap('b'), data: undefined as never }), { message: /is invalid/ })
})

void t.test('what admission changes belongs to no manager, as upstream records before it', async t => {
  const more = [replace(object => (object['data'] = { ...(object['data'] as object), added: 'x' }))]
  const { client } = await makeRegistry(t, { more })
  const made = (await client.create(configMaps, configMap('a', { x: '1' }))) as UnknownObject
  t.same(made['data'], { x: '1', added: 'x' })
  t.same(made.metadata?.managedFields?.[0]?.fieldsV1, { 'f:data': { '.': {}, 'f:x': {} } })
})

void t.test('a scale that admission changes is what the object gets', async t => {
  const more = [
    replace(object => {
      if (object.kind === 'Scale') object['spec'] = { replicas: 7 }
    }),
  ]
  const { client } = await makeRegistry(t, { more })
  await client.create(deployments, deployment('web', 2))
  await client.patch(deployments, 'web', { spec: { replicas: 5 } }, { ...ns, type: 'merge', subresource: 'scale' })
  t.equal((await client.get(deployments, 'web', ns)).spec?.replicas, 7)
})

void t.test('a refusal in the validating phase leaves nothing behind', async t => {
  const plugin: AdmissionPlugin = {
    name: 'Refuse',
    validate: request => {
      if (request.name === 'a') throw forbid(request, 'no')
    },
  }
  const { client } = await makeRegistry(t, { more: [plugin] })
  await t.rejects(client.create(configMaps, configMap('a')), { message: 'configmaps "a" is forbidden: no' })
  await t.rejects(client.get(configMaps, 'a', ns), { message: 'configmaps "a" not found' })
})

void t.test('options are told as those of the operation that a request comes to', async t => {
  const { plugin, requests } = recorder('configmaps')
  const { client } = await makeRegistry(t, { more: [plugin] })
  await client.create(configMaps, configMap('a'), { dryRun: true })
  await client.create(configMaps, configMap('a'))
  await client.patch(configMaps, 'a', { data: { x: '1' } }, { ...ns, type: 'merge' })
  await client.delete(configMaps, 'a', { ...ns, propagationPolicy: 'Background', gracePeriodSeconds: 3 })
  const meta = { apiVersion: 'meta.k8s.io/v1' }
  t.same(
    requests.filter((_, i) => i % 2 === 0).map(request => request.options()),
    [
      { kind: 'CreateOptions', ...meta, dryRun: ['All'] },
      { kind: 'CreateOptions', ...meta },
      { kind: 'UpdateOptions', ...meta },
      { kind: 'DeleteOptions', ...meta, propagationPolicy: 'Background', gracePeriodSeconds: 3 },
    ],
  )
})

void t.test('a stream is admitted with its options as the object', async t => {
  const { plugin, requests } = recorder('pods')
  const { registry } = await makeRegistry(t, { more: [plugin] })
  const kind = registry.kind('', 'v1', 'pods')
  if (kind === undefined) throw new Error('no Pods')
  const target = { kind, namespace: 'default', name: 'one' }
  const query = new URLSearchParams('command=ls&command=-l&stdin=true&tty=false&container=web')
  await admitConnect(registry, { ...target, subresource: 'exec' }, query, context)
  await admitConnect(registry, { ...target, subresource: 'portforward' }, new URLSearchParams('ports=80,81'), context)
  await admitConnect(registry, { ...target, subresource: 'log' }, query, context)
  t.same(
    requests.filter((_, i) => i % 2 === 0).map(({ operation, object }) => ({ operation, object })),
    [
      {
        operation: 'connect',
        object: { kind: 'PodExecOptions', apiVersion: 'v1', stdin: true, container: 'web', command: ['ls', '-l'] },
      },
      { operation: 'connect', object: { kind: 'PodPortForwardOptions', apiVersion: 'v1', ports: [80, 81] } },
    ],
  )
})

void t.test('nothing is created in a namespace that goes away, an eviction neither', async t => {
  const { client } = await makeRegistry(t)
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' } })
  await client.delete(namespaces, 'going')
  const eviction = { kind: 'Eviction', metadata: { name: 'one', namespace: 'going' } } as never
  await t.rejects(client.create(pods, eviction, { name: 'one', subresource: 'eviction' }), {
    message: 'pods "one" is forbidden: unable to create new content in namespace going because it is being terminated',
  })
})
