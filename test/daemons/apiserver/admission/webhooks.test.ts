import t from 'tap'
import type { Test } from 'tap'
import type { RequestContext } from '../../../../daemons/apiserver/registry/registry.ts'
import { createObject } from '../../../../daemons/apiserver/registry/create-object.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { configMaps, deployments, pods } from '../../../../kube/resources.ts'
import type { ApiError } from '../../../../kube/status.ts'
import { makeAuthority } from '../http/test-certificates.ts'
import { admin, configMap, deployment, makeRegistry, pod } from '../registry/test-registry.ts'
import { patchOf, startWebhookServer, type WebhookAnswer } from './webhook-server.ts'

const ns = { namespace: 'default' }
const anyRule = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['configmaps', 'deployments'] }
const authority = await makeAuthority()

/** A registry whose webhooks are answered by a server of the test. */
const setUp = async (t: Test, answers: Record<string, WebhookAnswer>) => {
  const cluster = await makeRegistry(t)
  const server = await startWebhookServer(t, authority, { answers, names: ['127.0.0.1', 'hook.default.svc'] })
  const configure = async (
    type: 'mutating' | 'validating',
    configuration: string,
    ...webhooks: ({ name: string; path?: string } & Record<string, unknown>)[]
  ): Promise<void> => {
    const object = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: type === 'mutating' ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration',
      metadata: { name: configuration },
      webhooks: webhooks.map(({ path = '/', ...webhook }) => ({
        rules: [anyRule],
        clientConfig: { url: server.url(path), caBundle: server.caBundle },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 5,
        ...webhook,
      })),
    }
    const key = `/registry/admissionregistration.k8s.io/${type}webhookconfigurations/${configuration}`
    await cluster.store.transact([{ kind: 'put', key, object: object as unknown as UnknownObject }])
  }
  return { ...cluster, server, configure }
}

const failure = async (work: Promise<unknown>): Promise<ApiError['status']> => {
  try {
    await work
  } catch (error) {
    return (error as ApiError).status
  }
  throw new Error('it did not fail')
}

const label = (key: string) => patchOf({ op: 'add', path: '/metadata/labels', value: { [key]: 'yes' } })

void t.test('a mutating webhook changes the object, and is told all about the request', async t => {
  const { client, server, configure } = await setUp(t, {
    '/label': ({ object }) => (object === null ? {} : label('hooked')),
  })
  await configure('mutating', 'a', { name: 'label.example.com', path: '/label' })
  const made = await client.create(configMaps, configMap('x', { a: '1' }), { fieldManager: 'me' })
  t.same(made.metadata?.labels, { hooked: 'yes' })
  const kind = { group: '', version: 'v1', kind: 'ConfigMap' }
  const resource = { group: '', version: 'v1', resource: 'configmaps' }
  t.match(server.seen, [
    {
      uid: /^[0-9a-f-]{36}$/,
      query: 'timeout=5s',
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: 'x',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'kubernetes-admin', groups: ['system:masters'] },
      object: { kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  ])
  await client.delete(configMaps, 'x', ns)
  t.match(server.seen[1], { operation: 'DELETE', object: null, oldObject: { data: { a: '1' } } })
  t.equal(server.connections(), 1, 'over one connection')
})

void t.test('what a webhook makes of an object is validated', async t => {
  const { client, configure } = await setUp(t, {
    '/': () => patchOf({ op: 'replace', path: '/spec/replicas', value: -1 }),
  })
  await configure('mutating', 'a', { name: 'x.example.com' })
  t.match(await failure(client.create(deployments, deployment('web'))), {
    reason: 'Invalid',
    message: 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  })
})

const refusals: { name: string; answer: object; status: object }[] = [
  {
    name: 'with its words',
    answer: { status: { message: 'not today' } },
    status: { code: 400, message: 'admission webhook "x.example.com" denied the request: not today' },
  },
  {
    name: 'with its code and reason',
    answer: { status: { code: 418, reason: 'Teapot', message: 'short and stout' } },
    status: {
      code: 418,
      reason: 'Teapot',
      message: 'admission webhook "x.example.com" denied the request: short and stout',
    },
  },
  {
    name: 'with a reason alone',
    answer: { status: { reason: 'Never' } },
    status: { message: 'admission webhook "x.example.com" denied the request: Never' },
  },
  {
    name: 'without any',
    answer: {},
    status: { code: 400, message: 'admission webhook "x.example.com" denied the request without explanation' },
  },
  {
    name: 'never with a success',
    answer: { status: { code: 200, status: 'Success', message: 'fine' } },
    status: { code: 400, status: 'Failure' },
  },
]
for (const type of ['mutating', 'validating'] as const)
  for (const { name, answer, status } of refusals)
    void t.test(`a ${type} webhook refuses ${name}`, async t => {
      const { client, configure } = await setUp(t, { '/': () => ({ allowed: false, ...answer }) })
      // Even where failures are ignored: a refusal is none.
      await configure(type, 'a', { name: 'x.example.com', failurePolicy: 'Ignore' })
      t.match(await failure(client.create(configMaps, configMap('x'))), status)
    })

const gvk = 'admission.k8s.io/v1, Kind=AdmissionReview'
const bad: { name: string; answer: WebhookAnswer; why: string | RegExp; only?: 'mutating' | 'validating' }[] = [
  {
    name: 'garbage',
    answer: (_, response) => void response.end('<html>'),
    why: "failed to call webhook: couldn't get version/kind; json parse error: invalid character '<' looking for beginning of value",
  },
  {
    name: 'nothing',
    answer: (_, response) => void response.end('{}'),
    why: 'received invalid webhook response: webhook response was absent',
  },
  {
    name: 'a wrong uid',
    answer: () => ({ uid: 'other' }),
    why: /received invalid webhook response: expected response\.uid="[0-9a-f-]{36}", got "other"/,
  },
  {
    name: 'another version',
    answer: ({ uid }, response) =>
      void response.end(
        JSON.stringify({
          kind: 'AdmissionReview',
          apiVersion: 'admission.k8s.io/v1beta1',
          response: { uid, allowed: true },
        }),
      ),
    why: `received invalid webhook response: expected webhook response of ${gvk}, got admission.k8s.io/v1beta1, Kind=AdmissionReview`,
  },
  {
    name: 'a status of 500',
    answer: (_, response) => void response.writeHead(500).end('oh no'),
    why: 'failed to call webhook: an error on the server ("oh no") has prevented the request from succeeding',
  },
  {
    name: 'a status of 404',
    answer: (_, response) => void response.writeHead(404).end(),
    why: 'failed to call webhook: the server could not find the requested resource',
  },
  {
    name: 'a redirect, which is not followed',
    answer: (_, response) => void response.writeHead(302, { location: 'https://127.0.0.1:1/' }).end(),
    why: 'failed to call webhook: the server responded with the status code 302 but did not return more information',
  },
  {
    name: 'more than an answer may hold',
    answer: (_, response) => void response.end(Buffer.alloc(9 * 1024 * 1024, 32)),
    why: /failed to call webhook: Post "https:.*": the answer is larger than 8388608 bytes/,
  },
  {
    name: 'a closed connection',
    answer: (_, response) => void response.socket?.destroy(),
    why: /failed to call webhook: Post "https:\/\/127\.0\.0\.1:\d+\/\?timeout=5s": EOF/,
  },
  {
    name: 'a patch without its type',
    answer: () => ({ patch: 'W10=' }),
    why: 'received invalid webhook response: webhook returned response.patch but not response.patchType',
    only: 'mutating',
  },
  {
    name: 'a patch of a validating webhook',
    answer: () => label('x'),
    why: 'received invalid webhook response: validating webhook may not return response.patch',
    only: 'validating',
  },
]
for (const { name, answer, why, only } of bad)
  void t.test(`an answer that is ${name} fails the request, or is let pass where failures are ignored`, async t => {
    const type = only ?? 'mutating'
    const { client, configure } = await setUp(t, { '/': answer })
    await configure(type, 'a', { name: 'x.example.com' })
    const { message, code } = await failure(client.create(configMaps, configMap('x')))
    const start = 'Internal error occurred: failed calling webhook "x.example.com": '
    t.equal(code, 500)
    if (typeof why === 'string') t.equal(message, start + why)
    else t.match(message, why)
    await configure(type, 'a', { name: 'x.example.com', failurePolicy: 'Ignore' })
    await t.resolves(client.create(configMaps, configMap('x')))
  })

void t.test('a webhook that nobody serves is told in Go’s words', async t => {
  const { client, configure } = await setUp(t, {})
  const clientConfig = { url: 'https://127.0.0.1:1/check' }
  await configure('validating', 'a', { name: 'x.example.com', clientConfig })
  t.match(await failure(client.create(configMaps, configMap('x'))), {
    code: 500,
    message:
      'Internal error occurred: failed calling webhook "x.example.com": failed to call webhook: Post "https://127.0.0.1:1/check?timeout=5s": dial tcp 127.0.0.1:1: connect: connection refused',
  })
})

void t.test('a webhook of another authority is not trusted', async t => {
  const { client, server, configure } = await setUp(t, { '/': () => ({}) })
  const other = await makeAuthority('other-ca')
  const clientConfig = { url: server.url('/'), caBundle: Buffer.from(other.cert).toString('base64') }
  await configure('validating', 'a', { name: 'x.example.com', clientConfig })
  t.match(await failure(client.create(configMaps, configMap('x'))), {
    message: /: tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
  })
})

void t.test('a webhook that is slow is waited for as long as it says', async t => {
  const { client, configure } = await setUp(t, { '/': () => {} })
  await configure('mutating', 'a', { name: 'x.example.com', timeoutSeconds: 1 })
  t.match(await failure(client.create(configMaps, configMap('x'))), {
    message:
      /^Internal error occurred: failed calling webhook "x\.example\.com": failed to call webhook: Post "https:\/\/127\.0\.0\.1:\d+\/\?timeout=1s": context deadline exceeded$/,
  })
})

void t.test('webhooks are called by the name of their configuration, then as they are listed', async t => {
  const answers = Object.fromEntries(['/1', '/2', '/3'].map(path => [path, () => ({})]))
  const { client, server, configure } = await setUp(t, answers)
  await configure('mutating', 'b', { name: 'third.example.com', path: '/3' })
  await configure(
    'mutating',
    'a',
    { name: 'first.example.com', path: '/1' },
    { name: 'second.example.com', path: '/2' },
  )
  await client.create(configMaps, configMap('x'))
  t.same(
    server.seen.map(({ path }) => path),
    ['/1', '/2', '/3'],
  )
})

void t.test('a webhook that asks for it sees again what others have changed after it, once', async t => {
  let count = 0
  const { client, server, configure } = await setUp(t, {
    '/first': () => ({}),
    '/never': () => ({}),
    '/change': () => patchOf({ op: 'add', path: '/data', value: { count: String(++count) } }),
    '/last': () => ({}),
  })
  await configure(
    'mutating',
    'a',
    { name: 'first.example.com', path: '/first', reinvocationPolicy: 'IfNeeded' },
    { name: 'never.example.com', path: '/never' },
    { name: 'change.example.com', path: '/change', reinvocationPolicy: 'IfNeeded' },
    { name: 'last.example.com', path: '/last', reinvocationPolicy: 'IfNeeded' },
  )
  const made = await client.create(configMaps, configMap('x'))
  t.same(
    server.seen.map(({ path }) => path),
    ['/first', '/never', '/change', '/last', '/first'],
  )
  t.same(server.seen[4]?.object?.['data'], { count: '1' })
  t.same(made.data, { count: '1' })
})

void t.test('a dry run asks only webhooks that change nothing else', async t => {
  const { client, server, configure } = await setUp(t, { '/': () => label('x') })
  await configure('mutating', 'a', { name: 'quiet.example.com', sideEffects: 'NoneOnDryRun' })
  const made = await client.create(configMaps, configMap('x'), { dryRun: true })
  t.same(made.metadata?.labels, { x: 'yes' })
  t.match(server.seen, [{ dryRun: true, options: { dryRun: ['All'] } }])
  await configure('validating', 'a', { name: 'loud.example.com', sideEffects: 'Some', failurePolicy: 'Ignore' })
  t.match(await failure(client.create(configMaps, configMap('x'), { dryRun: true })), {
    code: 400,
    message: 'admission webhook "loud.example.com" does not support dry run',
  })
})

void t.test('a validating webhook sees what will be stored, and all are asked at once', async t => {
  const waiting: (() => void)[] = []
  const together: WebhookAnswer = ({ uid }, response) => {
    waiting.push(() =>
      response.end(
        JSON.stringify({
          kind: 'AdmissionReview',
          apiVersion: 'admission.k8s.io/v1',
          response: { uid, allowed: true },
        }),
      ),
    )
    if (waiting.length === 2) for (const answer of waiting) answer()
  }
  const { client, server, configure } = await setUp(t, { '/label': () => label('x'), '/both': together })
  await configure('mutating', 'a', { name: 'label.example.com', path: '/label' })
  await configure(
    'validating',
    'a',
    { name: 'one.example.com', path: '/both' },
    { name: 'two.example.com', path: '/both' },
  )
  const made = await client.create(configMaps, configMap('x'))
  t.match(server.seen[1]?.object?.['metadata'], { labels: { x: 'yes' }, uid: made.metadata?.uid })
})

void t.test('warnings and audit annotations are handed on', async t => {
  const { registry, configure } = await setUp(t, {
    '/': () => ({ warnings: ['mind the gap'], auditAnnotations: { seen: 'yes' } }),
  })
  await configure('validating', 'a', { name: 'x.example.com' })
  const [warnings, annotations]: [string[], string[]] = [[], []]
  const context: RequestContext = {
    user: admin,
    dryRun: false,
    fieldManager: 'test',
    fieldValidation: 'Warn',
    decodeFindings: [],
    warn: text => void warnings.push(text),
    annotate: (key, value) => void annotations.push(`${key}=${value}`),
  }
  const kind = registry.kind('', 'v1', 'configmaps')
  if (kind === undefined) throw new Error('no ConfigMaps')
  await createObject(registry, { kind, namespace: 'default', name: '' }, configMap('x'), context)
  t.same(warnings, ['mind the gap'])
  t.same(annotations, ['x.example.com/seen=yes'])
})

void t.test('a patch that cannot be applied, or makes something else of the object, fails the request', async t => {
  let operations: object[] = []
  const { client, configure } = await setUp(t, { '/': () => patchOf(...operations) })
  await configure('mutating', 'a', { name: 'x.example.com', failurePolicy: 'Ignore' })
  operations = [{ op: 'remove', path: '/metadata/absent' }]
  t.match(await failure(client.create(configMaps, configMap('x'))), {
    code: 500,
    message: /^Internal error occurred: .*\/metadata\/absent/,
  })
  operations = [{ op: 'add', path: '/data', value: 'text' }]
  t.match(await failure(client.create(configMaps, configMap('x'))), {
    code: 500,
    message: /cannot be handled as a ConfigMap/,
  })
  operations = [{ op: 'add', path: '/metadata/labels', value: {} }]
  await client.create(configMaps, configMap('x')).catch(() => {})
  t.match(await failure(client.delete(configMaps, 'x', ns)), {
    message:
      'Internal error occurred: admission webhook "x.example.com" attempted to modify the object, which is not supported for this operation',
  })
})

void t.test('a Service stands for its cluster address, under its own name', async t => {
  const { client, server, configure, store } = await setUp(t, { '/check': () => ({}) })
  const service = { namespace: 'default', name: 'hook', path: 'check', port: server.port }
  await configure('validating', 'a', { name: 'x.example.com', clientConfig: { service, caBundle: server.caBundle } })
  const url = `https://hook.default.svc:${server.port}/check?timeout=5s`
  const start = `Internal error occurred: failed calling webhook "x.example.com": failed to call webhook: Post "${url}": `
  const message = async () => (await failure(client.create(configMaps, configMap('x')))).message
  t.equal(await message(), `${start}service "hook" not found`)
  const put = (spec: object) =>
    store.transact([
      {
        kind: 'put',
        key: '/registry/core/services/default/hook',
        object: { metadata: { name: 'hook', namespace: 'default' }, spec } as unknown as UnknownObject,
      },
    ])
  await put({ clusterIP: '127.0.0.1', ports: [{ port: 443 }] })
  t.equal(await message(), `${start}no service port ${server.port} found for service "hook"`)
  await put({ clusterIP: 'None', ports: [{ port: server.port }] })
  t.equal(await message(), `${start}cannot route to service with ClusterIP "None"`)
  await put({ clusterIP: '127.0.0.1', ports: [{ port: server.port }] })
  await client.create(configMaps, configMap('x'))
  t.match(server.seen, [{ path: '/check', serverName: 'hook.default.svc' }])
})

const matching: { name: string; webhook: Record<string, unknown>; called: boolean }[] = [
  { name: 'of no rule', webhook: { rules: [] }, called: false },
  { name: 'of another operation', webhook: { rules: [{ ...anyRule, operations: ['UPDATE'] }] }, called: false },
  { name: 'of another group', webhook: { rules: [{ ...anyRule, apiGroups: ['apps'] }] }, called: false },
  { name: 'of everything', webhook: { rules: [{ ...anyRule, resources: ['*/*'] }] }, called: true },
  { name: 'of every resource', webhook: { rules: [{ ...anyRule, resources: ['*'] }] }, called: true },
  { name: 'of a subresource', webhook: { rules: [{ ...anyRule, resources: ['configmaps/status'] }] }, called: false },
  { name: 'of all its subresources', webhook: { rules: [{ ...anyRule, resources: ['configmaps/*'] }] }, called: true },
  { name: 'of namespaces', webhook: { rules: [{ ...anyRule, scope: 'Namespaced' }] }, called: true },
  { name: 'of the cluster', webhook: { rules: [{ ...anyRule, scope: 'Cluster' }] }, called: false },
  {
    name: 'whose namespace selector fits',
    webhook: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } },
    called: true,
  },
  {
    name: 'whose namespace selector does not fit',
    webhook: {
      namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'DoesNotExist' }] },
    },
    called: false,
  },
  { name: 'whose object selector fits', webhook: { objectSelector: { matchLabels: { app: 'x' } } }, called: true },
  {
    name: 'whose object selector does not fit',
    webhook: { objectSelector: { matchLabels: { app: 'y' } } },
    called: false,
  },
  {
    name: 'whose condition holds',
    webhook: { matchConditions: condition('object.metadata.name == "x"') },
    called: true,
  },
  {
    name: 'whose condition fails',
    webhook: { matchConditions: condition('request.operation == "DELETE"') },
    called: false,
  },
  {
    name: 'whose condition breaks, and is ignored',
    webhook: { matchConditions: condition('object.absent == 1'), failurePolicy: 'Ignore' },
    called: false,
  },
]
function condition(expression: string) {
  return [{ name: 'c', expression }]
}
for (const { name, webhook, called } of matching)
  void t.test(`a webhook ${name} is ${called ? '' : 'not '}called`, async t => {
    const { client, server, configure } = await setUp(t, { '/': () => ({}) })
    await configure('validating', 'a', { name: 'x.example.com', ...webhook })
    const object = configMap('x')
    await client.create(configMaps, { ...object, metadata: { ...object.metadata, labels: { app: 'x' } } })
    t.equal(server.seen.length, called ? 1 : 0)
  })

void t.test('a condition that breaks refuses the request', async t => {
  const { client, configure } = await setUp(t, {})
  await configure('mutating', 'a', { name: 'x.example.com', matchConditions: condition('object.absent == 1') })
  t.match(await failure(client.create(configMaps, configMap('x'))), {
    reason: 'Forbidden',
    message: /^configmaps "x" is forbidden: .*no such key: absent/,
  })
})

void t.test('an object that once fitted the selector is still shown', async t => {
  const { client, server, configure } = await setUp(t, { '/': () => ({}) })
  const object = configMap('x')
  await client.create(configMaps, { ...object, metadata: { ...object.metadata, labels: { app: 'x' } } })
  await configure('validating', 'a', { name: 'x.example.com', objectSelector: { matchLabels: { app: 'x' } } })
  await client.update(configMaps, object)
  t.equal(server.seen.length, 1)
})

void t.test('a rule for one version of a resource catches another, converted, unless it must be exact', async t => {
  const { registry, server, configure } = await setUp(t, { '/': () => ({}) })
  const rules = [{ ...anyRule, apiGroups: [''], resources: ['events'] }]
  const kind = registry.kind('events.k8s.io', 'v1', 'events')
  if (kind === undefined) throw new Error('no Events')
  const event = (name: string) => ({
    metadata: { name, namespace: 'default' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'example.com/test',
    reportingInstance: 'one',
    action: 'Testing',
    reason: 'Tested',
    note: 'a note',
    type: 'Normal',
    regarding: { kind: 'Pod', name: 'web', namespace: 'default' },
  })
  const context: RequestContext = {
    user: admin,
    dryRun: false,
    fieldManager: 'test',
    fieldValidation: 'Strict',
    decodeFindings: [],
    warn: () => {},
  }
  const target = { kind, namespace: 'default', name: '' }
  await configure('validating', 'a', { name: 'x.example.com', rules, matchPolicy: 'Exact' })
  await createObject(registry, target, event('a'), context)
  t.equal(server.seen.length, 0)
  await configure('validating', 'a', { name: 'x.example.com', rules, matchPolicy: 'Equivalent' })
  await createObject(registry, target, event('b'), context)
  t.match(server.seen, [
    {
      kind: { group: '', version: 'v1', kind: 'Event' },
      requestKind: { group: 'events.k8s.io', version: 'v1', kind: 'Event' },
      object: { apiVersion: 'v1', message: 'a note', involvedObject: { name: 'web' } },
    },
  ])
})

void t.test('a configuration that is taken away is no longer asked', async t => {
  const { client, server, configure, store } = await setUp(t, { '/': () => ({}) })
  await configure('validating', 'a', { name: 'x.example.com' })
  const key = '/registry/admissionregistration.k8s.io/validatingwebhookconfigurations/a'
  await store.transact([{ kind: 'delete', key }])
  await client.create(configMaps, configMap('x'))
  t.equal(server.seen.length, 0)
})

void t.test('a stream, a scale and a status are subresources with rules of their own', async t => {
  const { client, server, configure } = await setUp(t, {
    '/': ({ object }) =>
      object?.['kind'] === 'Scale' ? patchOf({ op: 'replace', path: '/spec/replicas', value: 9 }) : {},
  })
  const rules = [{ ...anyRule, resources: ['*/scale', 'pods/status'] }]
  await configure('mutating', 'a', { name: 'x.example.com', rules })
  await client.create(deployments, deployment('web'))
  await client.patch(deployments, 'web', { spec: { replicas: 2 } }, { ...ns, type: 'merge', subresource: 'scale' })
  t.equal((await client.get(deployments, 'web', ns)).spec?.replicas, 9)
  await client.create(pods, pod('one'))
  await client.patch(pods, 'one', { status: { message: 'm' } }, { ...ns, type: 'merge', subresource: 'status' })
  t.match(server.seen, [
    { kind: { group: 'autoscaling', kind: 'Scale' }, subResource: 'scale', requestSubResource: 'scale' },
    { kind: { kind: 'Pod' }, subResource: 'status', oldObject: { kind: 'Pod' } },
  ])
})
