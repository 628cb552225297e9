import t from 'tap'
import { builtinKinds, servedKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import { kindKey } from '../../../../daemons/apiserver/kinds/kind.ts'
import { verbsOf } from '../../../../daemons/apiserver/schema/endpoints.ts'
import * as resources from '../../../../kube/resources.ts'

t.test(
  'every resource the client knows has a row, and can be listed and watched: controllers do so with all',
  async t => {
    const verbs = new Map(servedKinds.map(kind => [kindKey(kind), verbsOf(kind)]))
    for (const resource of Object.values(resources))
      for (const verb of ['list', 'watch'])
        t.ok(verbs.get(kindKey(resource))?.includes(verb), `${verb} ${kindKey(resource)}`)
  },
)

t.test('no two rows serve the same resource', async t => {
  t.equal(new Set(builtinKinds.map(kindKey)).size, builtinKinds.length)
})

t.test('no short name stands for two kinds', async t => {
  const names = builtinKinds.filter(kind => kind.storedAs === undefined).flatMap(kind => kind.shortNames)
  t.equal(new Set(names).size, names.length)
})

for (const kind of builtinKinds) {
  t.test(`${kindKey(kind)} names the schema of its group, version and kind`, async t => {
    const group = kind.group === '' ? 'core' : (kind.group.split('.')[0] ?? '')
    const home = group === 'apiregistration' ? 'io.k8s.kube-aggregator.pkg.apis' : 'io.k8s.api'
    t.equal(kind.schema, `${home}.${group}.${kind.version}.${kind.kind}`)
  })
  t.test(`${kindKey(kind)} has cells and rules that an empty object does not break`, async t => {
    const object = { metadata: { name: 'x' } }
    for (const column of kind.columns) t.not(column.cell({ ...object }, 0), undefined, column.name)
    const copy = structuredClone(object)
    kind.setDefaults?.(copy)
    kind.prepareForCreate?.(copy)
    t.ok(Array.isArray(kind.validate?.(copy) ?? []))
    for (const read of Object.values(kind.selectableFields ?? {})) t.type(read(copy), 'string')
  })
  t.test(`${kindKey(kind)} fills the same defaults once as twice`, async t => {
    const once = { metadata: { name: 'x' }, spec: {} }
    kind.setDefaults?.(once)
    const twice = structuredClone(once)
    kind.setDefaults?.(twice)
    t.same(twice, once)
  })
}
