import { createHash } from 'node:crypto'
import t from 'tap'
import { definition, specOf, version } from './definitions.ts'
import { definitionsPath, messageOf, startCrdServer } from './crd-server.ts'

const path = '/apis/example.com/v1/namespaces/default/widgets'
const widget = (spec: object, metadata: object = { name: 'a' }): object => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata,
  spec,
})

const schema = specOf(
  {
    size: { type: 'integer', minimum: 1, default: 1 },
    colour: { type: 'string', enum: ['red', 'blue'] },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string' }, port: { type: 'integer' } },
      },
    },
    note: { type: 'string', nullable: true },
  },
  {
    'x-kubernetes-validations': [
      { rule: '!has(oldSelf.colour) || self.colour == oldSelf.colour', message: 'colour stays', fieldPath: '.colour' },
      { rule: 'self.size < 100', messageExpression: '"size " + string(self.size) + " is too much"' },
    ],
  },
)
const full = version(
  { properties: { ...schema.properties, status: { type: 'object', properties: { size: { type: 'integer' } } } } },
  {
    subresources: {
      status: {},
      scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
    },
    additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
    selectableFields: [{ jsonPath: '.spec.colour' }],
  },
)

t.test('a kind is served from when its definition is established until it is gone', async t => {
  const server = await startCrdServer(t)
  const { ask } = server
  t.equal((await ask(path)).status, 404)
  const crd = await server.define(definition([full]))
  t.same(crd.status?.storedVersions, ['v1'])
  t.same(crd.status?.acceptedNames, {
    plural: 'widgets',
    singular: 'widget',
    kind: 'Widget',
    listKind: 'WidgetList',
    shortNames: ['wd'],
    categories: ['all'],
  })
  t.same(
    crd.status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [
      ['NamesAccepted', 'True', 'NoConflicts'],
      ['Established', 'True', 'InitialNamesAccepted'],
    ],
  )
  t.match((await ask('/apis/example.com/v1')).json, {
    resources: [
      {
        name: 'widgets',
        kind: 'Widget',
        shortNames: ['wd'],
        categories: ['all'],
        storageVersionHash: createHash('sha256')
          .update('example.com/v1/Widget')
          .digest()
          .subarray(0, 8)
          .toString('base64'),
      },
      { name: 'widgets/scale' },
      { name: 'widgets/status' },
    ],
  })
  const held = await ask(path, { method: 'POST', body: widget({}, { name: 'held', finalizers: ['example.com/hold'] }) })
  t.equal(held.status, 201)
  const gone = await ask(`${definitionsPath}/widgets.example.com`, { method: 'DELETE' })
  t.match(gone.json, { kind: 'CustomResourceDefinition' })
  const waiting = await server.untilCondition(crd, 'Terminating')
  t.same(waiting.metadata?.finalizers, ['customresourcecleanup.apiextensions.k8s.io'])
  const late = await ask(path, { method: 'POST', body: widget({}, { name: 'late' }) })
  t.equal(late.status, 405)
  t.equal(messageOf(late), 'create not allowed while custom resource definition is terminating')
  await server.until(`${path}/held`, ({ json }) => 'deletionTimestamp' in (json['metadata'] as object))
  await server.patch(`${path}/held`, { metadata: { finalizers: null } })
  await server.until(`${definitionsPath}/widgets.example.com`, ({ status }) => status === 404)
  t.equal((await ask(path)).status, 404)
  t.equal((await ask('/apis/example.com')).status, 404)
})

t.test('writes are pruned, defaulted and validated', async t => {
  const server = await startCrdServer(t)
  const { ask, patch } = server
  await server.define(definition([full]))
  const made = await ask(path, { method: 'POST', body: { ...widget({ colour: 'red', foo: 1 }), status: { size: 9 } } })
  t.equal(made.status, 201)
  t.equal(made.headers['warning'], '299 - "unknown field \\"spec.foo\\""')
  t.same(made.json['spec'], { colour: 'red', size: 1 })
  t.equal(made.json['status'], undefined)
  t.match(made.json, { metadata: { generation: 1 } })

  const refusals: { name: string; spec: object; message: string }[] = [
    { name: 'a wrong type', spec: { size: 'x' }, message: 'Widget.example.com "b" is invalid: [spec.size: Invalid value: "string": spec.size in body must be of type integer: "string", <nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]' },
    { name: 'a rule with an expression for its message', spec: { size: 100 }, message: 'Widget.example.com "b" is invalid: spec: Invalid value: size 100 is too much' },
    { name: 'a key that stands twice', spec: { ports: [{ name: 'a' }, { name: 'a' }] }, message: 'Widget.example.com "b" is invalid: spec.ports[1]: Duplicate value: {"name":"a"}' },
  ] // prettier-ignore
  for (const { name, spec, message } of refusals) {
    const refused = await ask(path, { method: 'POST', body: widget(spec, { name: 'b' }) })
    t.equal(refused.status, 422, name)
    t.equal(messageOf(refused), message, name)
  }
  const strict = await ask(`${path}?fieldValidation=Strict`, { method: 'POST', body: widget({ a: 1, b: { c: 2 } }) })
  t.equal(strict.status, 400)
  t.equal(
    messageOf(strict),
    'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.a", unknown field "spec.b"',
  )
  const changed = await patch(`${path}/a`, { spec: { colour: 'blue' } })
  t.equal(messageOf(changed), 'Widget.example.com "a" is invalid: spec.colour: Invalid value: colour stays')
  const strategic = await patch(`${path}/a`, { spec: { size: 2 } }, 'strategic-merge-patch+json')
  t.equal(strategic.status, 415)
  const blind = await ask(`${path}/a`, { method: 'PUT', body: widget({ colour: 'red' }) })
  t.equal(blind.status, 422)
  t.equal(
    messageOf(blind),
    'Widget.example.com "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
  )
})

t.test('status and scale are endpoints of their own, and the generation counts the spec', async t => {
  const server = await startCrdServer(t)
  const { ask, patch } = server
  await server.define(definition([full]))
  await ask(path, { method: 'POST', body: widget({ size: 2 }) })
  const viaMain = await patch(`${path}/a`, { status: { size: 5 } })
  t.equal(viaMain.json['status'], undefined)
  const viaStatus = await patch(`${path}/a/status`, { status: { size: 5 }, spec: { size: 9 } })
  t.match(viaStatus.json, { status: { size: 5 }, spec: { size: 2 }, metadata: { generation: 1 } })
  t.match((await ask(`${path}/a/scale`)).json, {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    spec: { replicas: 2 },
    status: { replicas: 5 },
  })
  t.match((await patch(`${path}/a/scale`, { spec: { replicas: 7 } })).json, { spec: { replicas: 7 } })
  t.match((await ask(`${path}/a`)).json, { spec: { size: 7 }, metadata: { generation: 2 } })
  const labelled = await patch(`${path}/a`, { metadata: { labels: { a: 'b' } } })
  t.match(labelled.json, { metadata: { generation: 2 } })
})

t.test('apply owns items by their keys, and its conflicts name the fields', async t => {
  const server = await startCrdServer(t)
  await server.define(definition([full]))
  const apply = (manager: string, spec: object) =>
    server.patch(`${path}/a?fieldManager=${manager}`, widget(spec), 'apply-patch+yaml')
  t.equal((await apply('one', { ports: [{ name: 'a', port: 1 }] })).status, 201)
  const second = await apply('two', { ports: [{ name: 'b', port: 2 }] })
  t.match(second.json, { spec: { ports: [{ name: 'a' }, { name: 'b' }] } })
  const conflict = await apply('two', { ports: [{ name: 'a', port: 3 }] })
  t.equal(conflict.status, 409)
  t.match(messageOf(conflict), 'conflict with "one": .spec.ports[name="a"].port')
})

t.test('lists, watches, tables and selectors', async t => {
  const server = await startCrdServer(t)
  const { ask } = server
  await server.define(definition([full]))
  for (const [name, colour] of [
    ['a', 'red'],
    ['b', 'blue'],
  ])
    // prettier-ignore
    await ask(path, { method: 'POST', body: widget({ colour }, { name }) })
  const list = await ask('/apis/example.com/v1/widgets')
  t.match(list.json, { kind: 'WidgetList', apiVersion: 'example.com/v1' })
  t.equal((list.json['items'] as unknown[]).length, 2)
  const red = await ask(`${path}?fieldSelector=spec.colour%3Dred`)
  t.match(red.json, { items: [{ metadata: { name: 'a' } }] })
  t.equal((red.json['items'] as unknown[]).length, 1)
  const wrong = await ask(`${path}?fieldSelector=spec.size%3D1`)
  t.equal(messageOf(wrong), 'field label not supported: spec.size')
  const table = await ask(path, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })
  t.match(table.json, {
    columnDefinitions: [{ name: 'Name' }, { name: 'Size', type: 'integer' }],
    rows: [{ cells: ['a', 1] }, { cells: ['b', 1] }],
  })
  const watch = await ask(`${path}?watch=1&timeoutSeconds=1`)
  t.same(
    watch.text
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { type: string }).type),
    ['ADDED', 'ADDED'],
  )
  const deleted = await ask(path, { method: 'DELETE' })
  t.equal(deleted.status, 200)
  t.same((await ask(path)).json['items'], [])
})

t.test('of two definitions that want one name, the second waits until it is free', async t => {
  const server = await startCrdServer(t)
  const { ask } = server
  await server.define(definition([version({})]))
  const other = definition([version({})], { names: { plural: 'gadgets', kind: 'Widget', shortNames: ['wd'] } })
  await ask(definitionsPath, { method: 'POST', body: other })
  const refused = await server.untilCondition(other, 'NamesAccepted', 'False')
  t.same(
    refused.status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ['NamesAccepted', 'False', 'ListKindConflict', '"WidgetList" is already in use'],
      ['Established', 'False', 'NotAccepted', 'not all names are accepted'],
    ],
  )
  t.equal((await ask('/apis/example.com/v1/gadgets')).status, 404)
  await ask(`${definitionsPath}/widgets.example.com`, { method: 'DELETE' })
  await server.untilCondition(other, 'Established')
  t.equal((await ask('/apis/example.com/v1/gadgets')).status, 200)
})

t.test('a changed schema holds for what comes, and defaults show in what is there', async t => {
  const server = await startCrdServer(t)
  const { ask, patch } = server
  await server.define(definition([version(specOf({ a: { type: 'string' } }))]))
  await ask(path, { method: 'POST', body: widget({ a: 'x' }) })
  const next = version(specOf({ a: { type: 'string', maxLength: 0 }, b: { type: 'integer', default: 5 } }))
  const crd = await patch(`${definitionsPath}/widgets.example.com`, { spec: { versions: [next] } })
  t.match(crd.json, { metadata: { generation: 2 } })
  t.same((await ask(`${path}/a`)).json['spec'], { a: 'x', b: 5 })
  t.equal((await patch(`${path}/a`, { spec: { b: 6 } })).status, 200, 'what was there before may stay')
  t.equal((await patch(`${path}/a`, { spec: { a: 'y' } })).status, 422)
})

t.test('custom resources are there again after a restart', async t => {
  const server = await startCrdServer(t)
  await server.define(definition([full]))
  await server.ask(path, { method: 'POST', body: widget({ size: 3 }) })
  await server.halt()
  const { startTestServer } = await import('../http/test-server.ts')
  const again = await startTestServer(t, { dataDir: `${server.directory}/data` })
  t.match((await again.ask(`${path}/a`)).json, { spec: { size: 3 } })
})
