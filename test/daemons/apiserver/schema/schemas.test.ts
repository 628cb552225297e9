import t from 'tap'
import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import { schemaOf } from '../../../../daemons/apiserver/schema/schemas.ts'
import type { TypeSchema } from '../../../../kube/patch/schema.ts'

const at = (definition: string, ...path: string[]): TypeSchema | undefined =>
  path.reduce<TypeSchema | undefined>(
    (schema, field) => (schema?.type === 'list' ? schema.items : schema)?.fields?.get(field),
    schemaOf(definition),
  )
const pod = 'io.k8s.api.core.v1.Pod'

const rows: [string, string[], Partial<TypeSchema>][] = [
  [
    pod,
    ['spec', 'containers'],
    { type: 'list', listKind: 'map', listKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
  ],
  [
    pod,
    ['spec', 'containers', 'ports'],
    {
      listKind: 'map',
      listKeys: ['containerPort', 'protocol'],
      patchMergeKey: 'containerPort',
      keyDefaults: { protocol: 'TCP' },
    },
  ],
  [pod, ['spec', 'volumes'], { patchStrategy: ['merge', 'retainKeys'], patchMergeKey: 'name' }],
  [pod, ['spec', 'tolerations'], { listKind: 'atomic', patchStrategy: undefined }],
  [pod, ['spec', 'nodeSelector'], { type: 'map', mapKind: 'atomic' }],
  [pod, ['spec', 'topologySpreadConstraints'], { listKeys: ['topologyKey', 'whenUnsatisfiable'] }],
  [pod, ['spec', 'hostAliases'], { listKeys: ['ip'] }],
  [pod, ['spec', 'imagePullSecrets'], { listKeys: ['name'], keyDefaults: { name: '' } }],
  [pod, ['metadata', 'finalizers'], { listKind: 'set', patchStrategy: ['merge'] }],
  [pod, ['metadata', 'ownerReferences'], { listKind: 'map', listKeys: ['uid'] }],
  [pod, ['metadata', 'creationTimestamp'], { type: 'string', format: 'date-time' }],
  [pod, ['status', 'podIPs'], { listKeys: ['ip'] }],
  ['io.k8s.api.core.v1.Service', ['spec', 'ports'], { listKeys: ['port', 'protocol'], patchMergeKey: 'port' }],
  ['io.k8s.api.core.v1.Service', ['spec', 'ports', 'targetPort'], { format: 'int-or-string' }],
  ['io.k8s.api.core.v1.ServiceAccount', ['secrets'], { listKeys: ['name'] }],
  ['io.k8s.api.core.v1.Secret', ['data'], { type: 'map', values: { type: 'string', format: 'byte' } }],
  [
    'io.k8s.api.core.v1.ResourceRequirements',
    ['limits'],
    { type: 'map', values: { type: 'string', format: 'quantity' } },
  ],
  ['io.k8s.api.apps.v1.Deployment', ['spec', 'selector'], { type: 'object', mapKind: 'atomic' }],
  ['io.k8s.api.apps.v1.Deployment', ['spec', 'strategy'], { patchStrategy: ['retainKeys'], alwaysPresent: true }],
  ['io.k8s.api.apps.v1.Deployment', ['status', 'conditions'], { listKeys: ['type'] }],
  ['io.k8s.api.coordination.v1.Lease', ['spec', 'renewTime'], { format: 'date-time-micro' }],
  ['io.k8s.api.discovery.v1.EndpointSlice', ['endpoints'], { listKind: 'atomic' }],
]

for (const [definition, path, facts] of rows)
  t.test(`${definition.split('.').at(-1)}.${path.join('.')} is as upstream publishes it`, async t => {
    const schema = at(definition, ...path)
    for (const [fact, value] of Object.entries(facts)) t.strictSame(schema?.[fact as keyof TypeSchema], value, fact)
  })

t.test('a definition is one object, so that recursion ends', async t => {
  t.equal(schemaOf(pod), schemaOf(pod))
  t.equal(at(pod, 'spec', 'initContainers')?.items, at(pod, 'spec', 'containers')?.items)
})

t.test('required fields are known', async t => {
  t.strictSame(schemaOf('io.k8s.api.core.v1.PodSpec').required, ['containers'])
})

t.test('a definition that was not derived is an error that names it', async t => {
  t.throws(() => schemaOf('io.k8s.api.x.v1.Y').fields, { code: 'NOT_FOUND', message: /io\.k8s\.api\.x\.v1\.Y/ })
})

const visit = (schema: TypeSchema | undefined, seen: Set<TypeSchema>): void => {
  if (schema === undefined || seen.has(schema)) return
  seen.add(schema)
  visit(schema.items, seen)
  visit(schema.values, seen)
  for (const field of schema.fields?.values() ?? []) visit(field, seen)
}

for (const kind of builtinKinds)
  t.test(`every definition that ${kind.kind} (${kind.group || 'core'}) reaches is there`, async t => {
    const seen = new Set<TypeSchema>()
    visit(schemaOf(kind.schema), seen)
    t.ok(seen.size > 5)
    t.ok(schemaOf(`${kind.schema}List`).fields?.has('items'))
  })
