import t from 'tap'
import { schemaOf } from '../../../daemons/apiserver/schema/schemas.ts'
import { typedErrors } from '../../../kube/patch/typed-errors.ts'

const pod = (container: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', ...container }] } }) // prettier-ignore

const cases: { name: string; value: object; errors: string[] }[] = [
  { name: 'what the schema declares is fine', value: pod({ image: 'i', env: [{ name: 'A' }] }), errors: [] },
  {
    name: 'a field that is not declared is named by its path',
    value: pod({ foo: 1 }),
    errors: ['.spec.containers[name="c"].foo: field not declared in schema'],
  },
  {
    name: 'two items with the same key are refused',
    value: pod({ env: [{ name: 'A' }, { name: 'B' }, { name: 'A' }] }),
    errors: ['.spec.containers[name="c"].env: duplicate entries for key [name="A"]'],
  },
  {
    name: 'a key that is left out counts as its default',
    value: pod({ ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }),
    errors: ['.spec.containers[name="c"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]'],
  },
  {
    name: 'the same value twice in a set is refused',
    value: { metadata: { finalizers: ['a/b', 'a/b'] } },
    errors: ['.metadata.finalizers: duplicate entries for key [="a/b"]'],
  },
  { name: 'maps have any keys', value: { metadata: { labels: { a: 'b', __proto__x: 'c' } } }, errors: [] },
]
for (const { name, value, errors } of cases)
  t.test(name, async t => {
    t.same(typedErrors(value, schemaOf('io.k8s.api.core.v1.Pod')), errors)
  })
