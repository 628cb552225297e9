import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { created, deployment, kindOf, metadata, service, updateErrors } from './sample-objects.ts'

const changes: { name: string; plural: string; old: UnknownObject; next: UnknownObject; errors: string[] }[] = [
  {
    name: 'the selector of a Deployment never changes',
    plural: 'deployments',
    old: deployment(),
    next: deployment({
      selector: { matchLabels: { app: 'x' } },
      template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'a', image: 'b' }] } },
    }),
    errors: ['spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable'],
  },
  {
    name: 'the address of a Service never changes',
    plural: 'services',
    old: service({ clusterIP: '10.96.0.9' }),
    next: service({ clusterIP: '10.96.0.8' }),
    errors: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'],
  },
  {
    name: 'a Service without its address keeps it',
    plural: 'services',
    old: service({ clusterIP: '10.96.0.9' }),
    next: service(),
    errors: [],
  },
  {
    name: 'the type of a Secret never changes',
    plural: 'secrets',
    old: { metadata: metadata() },
    next: { metadata: metadata(), type: 'a/b' },
    errors: ['type: Invalid value: "a/b": field is immutable'],
  },
  {
    name: 'an immutable ConfigMap stays as it is',
    plural: 'configmaps',
    old: { metadata: metadata(), immutable: true, data: { a: '1' } },
    next: { metadata: metadata(), data: { a: '2' } },
    errors: [
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
  },
  {
    name: 'an immutable Secret stays as it is',
    plural: 'secrets',
    old: { metadata: metadata(), immutable: true, data: { a: 'MQ==' } },
    next: { metadata: metadata(), immutable: true, stringData: { a: '2' } },
    errors: ['data: Forbidden: field is immutable when `immutable` is set'],
  },
  {
    name: 'the value of a priority never changes',
    plural: 'priorityclasses',
    old: { metadata: { name: 'x' }, value: 1 },
    next: { metadata: { name: 'x' }, value: 2 },
    errors: ['value: Forbidden: may not be changed in an update.'],
  },
  {
    name: 'the pod range of a Node is set once',
    plural: 'nodes',
    old: { metadata: { name: 'n' }, spec: { podCIDR: '10.244.0.0/24' } },
    next: { metadata: { name: 'n' }, spec: { podCIDR: '10.244.1.0/24' } },
    errors: ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
  },
]
for (const { name, plural, old, next, errors } of changes)
  t.test(name, async t => {
    t.same(updateErrors(plural, old, next), errors)
  })

t.test('a Service keeps its node ports by port and protocol, and sheds them with its type', async t => {
  const kind = kindOf('services')
  const old = created(
    'services',
    service({ type: 'NodePort', clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30080 }] }),
  )
  const again = service({
    type: 'NodePort',
    ports: [
      { name: 'b', port: 81 },
      { name: 'a', port: 80 },
    ],
  })
  kind.setDefaults?.(again)
  kind.prepareForUpdate?.(again, old)
  t.match(again['spec'], { clusterIPs: ['10.96.0.9'], ports: [{ nodePort: undefined }, { nodePort: 30080 }] })
  const plain = structuredClone(old)
  Object.assign(plain['spec'] as object, { type: 'ClusterIP' })
  kind.setDefaults?.(plain)
  kind.prepareForUpdate?.(plain, old)
  t.same(kind.validate?.(plain), [])
  t.notOk(JSON.stringify(plain).includes('30080'))
  t.notOk(JSON.stringify(plain).includes('externalTrafficPolicy'))
  const external = structuredClone(old)
  Object.assign(external['spec'] as object, { type: 'ExternalName', externalName: 'x.example' })
  kind.setDefaults?.(external)
  kind.prepareForUpdate?.(external, old)
  t.same(kind.validate?.(external), [])
  t.notOk(JSON.stringify(external).includes('10.96.0.9'))
})

t.test('the finalizers of a Namespace do not change with the object', async t => {
  const old = created('namespaces', { metadata: { name: 'x' } })
  const next: UnknownObject = { metadata: { name: 'x' }, spec: {} }
  kindOf('namespaces').prepareForUpdate?.(next, old)
  t.same(next['spec'], { finalizers: ['kubernetes'] })
})
