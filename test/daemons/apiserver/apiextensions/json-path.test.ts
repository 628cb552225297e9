import t from 'tap'
import { fieldNames, parseJsonPath } from '../../../../daemons/apiserver/apiextensions/json-path.ts'

const object = {
  spec: { replicas: 3, containers: [{ name: 'a', image: 'x' }, { name: 'b', image: 'y' }] },
  status: { conditions: [{ type: 'Synced', status: 'False' }, { type: 'Ready', status: 'True' }] },
  metadata: { labels: { 'app.kubernetes.io/name': 'web' } },
} // prettier-ignore

const cases: { path: string; gives: unknown[] }[] = [
  { path: '.spec.replicas', gives: [3] },
  { path: '.spec.containers[0].name', gives: ['a'] },
  { path: '.spec.containers[-1].name', gives: ['b'] },
  { path: '.spec.containers[*].image', gives: ['x', 'y'] },
  { path: '.status.conditions[?(@.type=="Ready")].status', gives: ['True'] },
  { path: ".status.conditions[?(@.type == 'Synced')].status", gives: ['False'] },
  { path: '.status.conditions[?(@.type!="Ready")].type', gives: ['Synced'] },
  { path: ".metadata.labels['app.kubernetes.io/name']", gives: ['web'] },
  { path: '.metadata.labels.app\\.kubernetes\\.io/name', gives: ['web'] },
  { path: '.spec.nothing.here', gives: [] },
]
for (const { path, gives } of cases)
  t.test(`${path} finds ${JSON.stringify(gives)}`, async t => t.same(parseJsonPath(path).find(object), gives))

for (const path of ['.spec[', '.a b', '.a[x]', '.a[?(@.b)]'])
  t.test(`${path} cannot be read`, async t => t.throws(() => parseJsonPath(path)))

t.test('only plain fields are a path of names', async t => {
  t.same(fieldNames('.spec.a'), ['spec', 'a'])
  t.equal(fieldNames('.spec.a[0]'), undefined)
  t.equal(fieldNames('spec.a'), undefined)
})
