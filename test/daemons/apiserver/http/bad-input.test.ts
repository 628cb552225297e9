import t from 'tap'
import { configMap, deployment } from '../registry/test-registry.ts'
import { startTestServer, type Ask } from './test-server.ts'

const collection = '/api/v1/namespaces/default/configmaps'
const server = await startTestServer(t)
const { ask } = server
const yaml = { 'content-type': 'application/yaml' }
const apply = { 'content-type': 'application/apply-patch+yaml' }
const one = `${collection}/one`
await ask(collection, { method: 'POST', body: configMap('one', { a: '1' }) })

const body = (text: string | Buffer): Buffer => Buffer.from(text as string)
const post = (text: string, headers: Record<string, string> = {}): Ask => ({
  method: 'POST',
  headers,
  body: body(text),
})
const patch = (type: string, value: unknown): Ask => ({
  method: 'PATCH',
  headers: { 'content-type': `application/${type}` },
  body: body(JSON.stringify(value)),
})
const token = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

interface Case {
  name: string
  path?: string
  ask?: Ask
  status: number
  reason?: string
  message?: RegExp | string
}

const options = 'is invalid: '
const cases: Case[] = [
  { name: 'a list is no object', ask: post('[]'), status: 400 },
  { name: 'a body without end', ask: post('{"a":'), status: 400 },
  {
    name: 'no body at all',
    ask: post(''),
    status: 400,
    message:
      "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
  },
  {
    name: 'a comma too many',
    ask: post('{"a":1,}'),
    status: 400,
    message: /json parse error: invalid character '}' looking for beginning of object key string \(\{"a":1,\}\)$/,
  },
  { name: 'null', ask: post('null'), status: 422, message: /metadata\.name: Required value/ },
  {
    name: 'a kind that is a number',
    ask: post('{"kind":1}'),
    status: 400,
    message: /json: cannot unmarshal number into Go struct field \.kind of type string/,
  },
  {
    name: 'another kind',
    ask: post('{"kind":"Pod","apiVersion":"v1"}'),
    status: 400,
    message:
      'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
  },
  {
    name: 'a kind that there is not',
    ask: post('{"kind":"Foo","apiVersion":"v1"}'),
    status: 400,
    message: /no kind "Foo" is registered for version "v1" in scheme/,
  },
  {
    name: 'null for a container',
    path: '/api/v1/namespaces/default/pods',
    ask: post('{"metadata":{"name":"x"},"spec":{"containers":[null]}}'),
    status: 422,
    message: /spec\.containers\[0\]\.name: Required value, spec\.containers\[0\]\.image: Required value/,
  },
  {
    name: 'null for a variable',
    path: '/api/v1/namespaces/default/pods',
    ask: post('{"metadata":{"name":"x"},"spec":{"containers":[{"name":"c","image":"i","env":[null]}]}}'),
    status: 422,
    message: /spec\.containers\[0\]\.env\[0\]\.name: Required value/,
  },
  { name: 'a YAML document of bytes', ask: post('!!binary aGFsbG8=', yaml), status: 400 },
  { name: 'a YAML set', ask: post('a: !!set {x, y}', yaml), status: 400 },
  { name: 'a PUT without a name', path: one, ask: { method: 'PUT', body: { data: {} } }, status: 400 },
  {
    name: 'an apply of a field that there is not',
    path: `${one}?fieldManager=x`,
    ask: { method: 'PATCH', headers: apply, body: body('{apiVersion: v1, kind: ConfigMap, foo: 1}') },
    status: 500,
    message:
      'failed to create typed patch object (default/one; /v1, Kind=ConfigMap): .foo: field not declared in schema',
  },
  {
    name: 'an event of the newer group, which shares its rules with the older',
    path: '/apis/events.k8s.io/v1/namespaces/default/events',
    ask: post('{"metadata":{"name":"x"},"type":"Odd"}'),
    status: 422,
    message: /^Event "x" is invalid: /,
  },
  {
    name: 'a list where a schema within a schema has its properties',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    ask: post(
      '{"metadata":{"name":"as.b.c"},"spec":{"versions":[{"name":"v1","schema":{"openAPIV3Schema":{"items":{"properties":[null]}}}}]}}',
    ),
    status: 400,
    message: /cannot unmarshal array into Go struct field/,
  },
  { name: 'an apiVersion that is null', ask: post('{"apiVersion":null,"kind":null}'), status: 422 },
  { name: 'an apiVersion that is a list, in YAML', ask: post('apiVersion: [x]', yaml), status: 400 },
  {
    name: "a patch of the object's uid",
    path: one,
    ask: patch('merge-patch+json', { metadata: { uid: 'x' } }),
    status: 422,
    message: 'ConfigMap "one" is invalid: metadata.uid: Invalid value: "x": field is immutable',
  },
  { name: 'JSON of 100,000 levels', ask: post(`{"data":${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}}`), status: 400 },
  { name: 'flow YAML of 50,000 levels', ask: post(`a: ${'['.repeat(5e4)}${']'.repeat(5e4)}`, yaml), status: 400 },
  { name: 'block YAML of 50,000 levels', ask: post(`${'- '.repeat(5e4)}x`, yaml), status: 400 },
  { name: 'YAML of a million nodes', ask: post(`a: [${'1,'.repeat(1e6)}]`, yaml), status: 413 },
  {
    name: 'YAML whose aliases grow without bound',
    ask: post(`a: &a [x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]\n`, yaml),
    status: 400,
  },
  {
    name: 'an apply of 50,000 levels',
    path: `${one}?fieldManager=x`,
    ask: { method: 'PATCH', headers: apply, body: body(`a: ${'['.repeat(5e4)}`) },
    status: 400,
  },
  { name: 'a Content-Type that cannot be read', ask: post('{}', { 'content-type': ';;;/' }), status: 415 },
  { name: 'a URL that cannot be read', path: `${collection}/%ff`, status: 400, reason: 'BadRequest' },
  { name: 'a create in all namespaces', path: '/api/v1/configmaps', ask: post('{}'), status: 405 },
  { name: 'a delete in all namespaces', path: '/api/v1/configmaps', ask: { method: 'DELETE' }, status: 405 },
  { name: 'a delete of all namespaces', path: '/api/v1/namespaces', ask: { method: 'DELETE' }, status: 405 },
  {
    name: 'dryRun but All',
    path: `${collection}?dryRun=x`,
    ask: post('{}'),
    status: 422,
    message: `CreateOptions.meta.k8s.io "" ${options}dryRun: Unsupported value: []string{"x"}: supported values: "All"`,
  },
  {
    name: 'a fieldValidation that there is not',
    path: `${collection}?fieldValidation=x`,
    ask: post('{}'),
    status: 422,
    message: /supported values: "", "Ignore", "Strict", "Warn"$/,
  },
  { name: 'a long fieldManager', path: `${collection}?fieldManager=${'a'.repeat(129)}`, ask: post('{}'), status: 422 },
  {
    name: 'a fieldManager that cannot be printed',
    path: `${collection}?fieldManager=a%00`,
    ask: post('{}'),
    status: 422,
    message: /invalid character U\+0000 \(at position 1\)$/,
  },
  {
    name: 'force without apply',
    path: `${one}?force=true`,
    ask: patch('merge-patch+json', {}),
    status: 422,
    message: `PatchOptions.meta.k8s.io "" ${options}force: Forbidden: may not be specified for non-apply patch`,
  },
  {
    name: 'a propagationPolicy that there is not',
    path: `${one}?propagationPolicy=x`,
    ask: { method: 'DELETE' },
    status: 422,
    message: /supported values: "Foreground", "Background", "Orphan", "nil"$/,
  },
  {
    name: 'two ways to propagate',
    path: one,
    ask: { method: 'DELETE', body: { orphanDependents: true, propagationPolicy: 'Orphan' } },
    status: 422,
  },
  {
    name: 'a grace period in words',
    path: one,
    ask: { method: 'DELETE', body: { gracePeriodSeconds: 'x' } },
    status: 400,
  },
  { name: 'dryRun that is no list', path: one, ask: { method: 'DELETE', body: { dryRun: 'All' } }, status: 400 },
  { name: 'a Pod as DeleteOptions', path: one, ask: { method: 'DELETE', body: { kind: 'Pod' } }, status: 400 },
  { name: 'a list as DeleteOptions', path: one, ask: { method: 'DELETE', body: [] }, status: 400 },
  { name: 'gracePeriodSeconds=x', path: `${one}?gracePeriodSeconds=x`, ask: { method: 'DELETE' }, status: 400 },
  { name: 'limit=x', path: `${collection}?limit=x`, status: 400 },
  { name: 'timeoutSeconds=x', path: `${collection}?timeoutSeconds=x`, status: 400 },
  { name: 'a continue token that is none', path: `${collection}?continue=x`, status: 400 },
  ...[
    { rv: 1.5, start: 'a' },
    { rv: -5, start: 'a' },
    { rv: '1', start: 'a' },
    { rv: 1, start: '../../x' },
    { rv: 1, start: '' },
  ].map(value => ({
    name: `a continue token of ${JSON.stringify(value)}`,
    path: `${collection}?continue=${token({ v: 'meta.k8s.io/v1', ...value })}`,
    status: 400,
  })),
  { name: 'a resourceVersion in words', path: `${collection}?resourceVersion=x`, status: 400 },
  { name: 'a match without a version', path: `${collection}?resourceVersionMatch=Exact`, status: 422 },
  { name: 'an unknown match', path: `${collection}?resourceVersion=1&resourceVersionMatch=x`, status: 422 },
  { name: 'exactly version 0', path: `${collection}?resourceVersion=0&resourceVersionMatch=Exact`, status: 422 },
  { name: 'initial events of a list', path: `${collection}?sendInitialEvents=true`, status: 422 },
  {
    name: 'initial events without their match',
    path: `${collection}?watch=1&sendInitialEvents=true`,
    status: 422,
    message: /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan$/,
  },
  { name: 'a match of a watch', path: `${collection}?watch=1&resourceVersionMatch=NotOlderThan`, status: 422 },
  { name: 'a version of the future', path: `${collection}?resourceVersion=99999999`, status: 504, reason: 'Timeout' },
  { name: 'a label selector', path: `${collection}?labelSelector=a==b==c`, status: 400 },
  { name: 'a field that is not selected by', path: `${collection}?fieldSelector=__proto__=x`, status: 400 },
  { name: 'a watch of reviews', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?watch=1', status: 405 },
  { name: 'a list of reviews', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', status: 405 },
  {
    name: 'a review of nothing',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    ask: post('{"spec":{}}'),
    status: 422,
  },
  {
    name: 'a field that ConfigMaps are not chosen by',
    path: `${collection}?fieldSelector=spec.x=1`,
    status: 400,
    message: '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
  },
  {
    name: 'a review of no token',
    path: '/apis/authentication.k8s.io/v1/tokenreviews',
    ask: post('{"spec":{}}'),
    status: 400,
    message: 'token is required for TokenReview in authentication',
  },
]
for (const { name, path = collection, ask: sent = {}, status, reason, message } of cases)
  void t.test(`refused with ${status}: ${name}`, async t => {
    const reply = await ask(path, sent)
    t.match(reply, { status, json: { kind: 'Status', status: 'Failure', code: status } }, reply.text)
    if (reason !== undefined) t.equal(reply.json['reason'], reason)
    if (message !== undefined) t.match(reply.json['message'], message)
  })

void t.test('a method that nobody knows is not allowed', async t => {
  const request = server.session().request({ ':method': 'FOO', ':path': '/api' })
  request.end()
  const headers = await new Promise<object>(resolve => request.once('response', resolve))
  t.match(headers, { ':status': 405 })
  request.close()
})

void t.test('whoever has no name is refused before what they send is read', async t => {
  const request = server.session({ cert: '', key: '' }).request({ ':method': 'POST', ':path': collection })
  request.on('error', () => {})
  // The body never ends.
  request.write('{')
  const headers = await new Promise<object>(resolve => request.once('response', resolve))
  t.match(headers, { ':status': 403 })
  request.close()
})

void t.test('a key named __proto__ is data like any other', async t => {
  const text = '{"metadata":{"name":"proto"},"data":{"__proto__":"1","constructor":"2"}}'
  const path = `${collection}/proto`
  t.equal((await ask(collection, post(text))).status, 201)
  const stored = async () => Object.entries((await ask(path)).json['data'] as object)
  t.same(await stored(), JSON.parse('[["__proto__","1"],["constructor","2"]]'))
  for (const type of ['merge-patch+json', 'strategic-merge-patch+json']) {
    const sent = { ...patch(type, {}), body: body('{"data":{"__proto__":"3"}}') }
    t.equal((await ask(path, sent)).status, 200, type)
  }
  t.equal((await ask(path, patch('json-patch+json', [{ op: 'remove', path: '/data/constructor' }]))).status, 200)
  t.same(await stored(), [['__proto__', '3']])
  const applied = (data: string): Ask => ({
    method: 'PATCH',
    headers: apply,
    body: body(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"data":${data}}`),
  })
  t.equal((await ask(`${path}?fieldManager=m&force=1`, applied('{"__proto__":"4"}'))).status, 200)
  t.equal((await ask(`${path}?fieldManager=m&force=1`, applied('{"x":"5"}'))).status, 200)
  t.same(await stored(), [['x', '5']], 'and goes when its owner gives it up')
  const label = post('{"metadata":{"name":"label","labels":{"__proto__":"x"}}}')
  t.match(await ask(collection, label), {
    status: 422,
    json: { message: /metadata.labels: Invalid value: "__proto__"/ },
  })
  t.equal(({} as Record<string, unknown>)['data'], undefined)
})

void t.test('metrics do not remember what clients invent', async t => {
  for (let i = 0; i < 20; i++) await ask(`/apis/invented-${i}/v1/things/x/y`)
  await ask('/api/v1/namespaces/default/pods/x/invented')
  t.notMatch((await ask('/metrics')).text, /invented/)
})

void t.test('a watch of more seconds than a timer counts stays open', async t => {
  const path = `${collection}?watch=1&labelSelector=x&timeoutSeconds=99999999999`
  const request = server.session().request({ ':path': path })
  const data = new Promise(resolve => request.once('data', resolve))
  let ended = false
  request.once('end', () => (ended = true))
  await new Promise(resolve => request.once('response', resolve))
  await ask(collection, { method: 'POST', body: { metadata: { name: 'later', labels: { x: 'y' } } } })
  await data
  t.notOk(ended)
  request.close()
})

void t.test('an act for somebody else has their rights, and is for masters alone', async t => {
  const as = (name: string, group?: string) => ({
    headers: { 'impersonate-user': name, ...(group === undefined ? {} : { 'impersonate-group': group }) },
  })
  t.match(await ask(collection, as('bob')), { status: 403, json: { message: /User "bob" cannot list/ } })
  t.equal((await ask(collection, as('bob', 'system:masters'))).status, 200)
  t.equal((await ask(collection, { headers: { 'impersonate-group': 'x' } })).status, 500)
  const bob = await server.authority.client('bob', [])
  t.match(await ask(collection, { ...as('root', 'system:masters'), as: bob }), {
    status: 403,
    json: {
      message:
        'users "root" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope',
    },
  })
  const who = await ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    ...as('system:serviceaccount:team:sa'),
    method: 'POST',
    body: {},
  })
  t.match(who, {
    status: 201,
    json: {
      status: {
        userInfo: { groups: ['system:serviceaccounts', 'system:serviceaccounts:team', 'system:authenticated'] },
      },
    },
  })
})

void t.test('whoever has a name may ask what they may do', async t => {
  const bob = await server.authority.client('bob', [])
  const review = async (spec: object, as = server.admin) =>
    (await ask('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { method: 'POST', body: { spec }, as })).json[
      'status'
    ]
  const pods = { resourceAttributes: { verb: 'list', resource: 'pods' } }
  t.same(await review(pods), { allowed: true })
  t.same(await review(pods, bob), { allowed: false })
  t.match(await review({ nonResourceAttributes: { verb: 'get', path: '/api' } }, bob), { allowed: true })
  t.same(await review({ nonResourceAttributes: { verb: 'get', path: '/metrics' } }, bob), { allowed: false })
  const rules = await ask('/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
    method: 'POST',
    body: { spec: { namespace: 'default' } },
    as: await server.authority.client('system:kube-scheduler', []),
  })
  t.match(rules.json['status'], { incomplete: false })
  const { resourceRules } = rules.json['status'] as { resourceRules: object[] }
  t.strictSame(resourceRules.at(-1), {
    verbs: ['create'],
    apiGroups: ['authentication.k8s.io'],
    resources: ['selfsubjectreviews'],
  })
  t.match(JSON.stringify(resourceRules), /"resources":\["bindings","pods\/binding"\]/)
})

void t.test('after all this the server serves', async t => {
  t.equal((await ask('/readyz')).text, 'ok')
  t.equal(
    (await ask('/apis/apps/v1/namespaces/default/deployments', { method: 'POST', body: deployment('last') })).status,
    201,
  )
})
