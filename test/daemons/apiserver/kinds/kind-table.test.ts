import t from 'tap'
import { configMapKind } from '../../../../daemons/apiserver/kinds/config-map.ts'
import type { Kind } from '../../../../daemons/apiserver/kinds/kind.ts'
import { KindTable } from '../../../../daemons/apiserver/kinds/kind-table.ts'
import { compareVersions } from '../../../../daemons/apiserver/kinds/version-priority.ts'
import { makeDocuments } from '../../../../daemons/apiserver/schema/documents.ts'
import { versionInfo } from '../schema/version-info.ts'

const row = (group: string, version: string, plural = 'widgets'): Kind => ({ ...configMapKind, group, version, plural })
const names = (table: KindTable): string[] => table.all.map(kind => `${kind.group}/${kind.version}/${kind.plural}`)

t.test('versions are in the order of upstream’s priority', async t => {
  const versions = ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10']
  t.same([...versions].reverse().sort(compareVersions), versions)
})

t.test('kinds come behind the built-in ones, by group and version, and go with their owner', async t => {
  const table = new KindTable([configMapKind])
  let changes = 0
  const stop = table.onChange(() => changes++)
  table.set('widgets.z.io', [row('z.io', 'v1')])
  table.set('widgets.a.io', [row('a.io', 'v1alpha1'), row('a.io', 'v1')])
  t.same(names(table), ['/v1/configmaps', 'a.io/v1/widgets', 'a.io/v1alpha1/widgets', 'z.io/v1/widgets'])
  t.equal(changes, 2)
  table.set('widgets.a.io', [])
  t.same(names(table), ['/v1/configmaps', 'z.io/v1/widgets'])
  t.equal(table.find('a.io', 'v1', 'widgets'), undefined)
  table.set('widgets.a.io', [])
  t.equal(changes, 3, 'what changes nothing is not told')
  stop()
  table.set('widgets.z.io', [])
  t.equal(changes, 3)
})

t.test('a row that was replaced is not served, whatever its path; a built-in kind cannot be hidden', async t => {
  const table = new KindTable([configMapKind])
  const old = row('a.io', 'v1')
  const now = row('a.io', 'v1')
  table.set('widgets.a.io', [old])
  t.ok(table.serves(old))
  table.set('widgets.a.io', [now])
  t.notOk(table.serves(old))
  t.ok(table.serves(now))
  table.set('configmaps', [{ ...configMapKind }])
  t.equal(table.find('', 'v1', 'configmaps'), configMapKind)
})

t.test('discovery and OpenAPI follow the table; what did not change keeps its ETag', async t => {
  const table = new KindTable([configMapKind])
  const documents = makeDocuments(() => table.all, versionInfo)
  const get = (path: string, accept = 'application/json') => documents(path, accept, new URLSearchParams())
  const core = get('/openapi/v3/api/v1')?.etag
  const index = get('/openapi/v3')?.etag
  t.equal(get('/apis/a.io/v1'), undefined)
  table.set('widgets.a.io', [row('a.io', 'v1')])
  t.match(String(get('/apis/a.io/v1')?.body), '"widgets"')
  t.match(String(get('/apis', 'application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList')?.body), 'a.io')
  t.match(String(get('/openapi/v3')?.body), 'apis/a.io/v1')
  t.match(String(get('/openapi/v2')?.body), '/apis/a.io/v1/')
  t.not(get('/openapi/v3')?.etag, index)
  table.set('widgets.a.io', [])
  t.equal(get('/openapi/v3/apis/a.io/v1'), undefined)
  t.equal(get('/openapi/v3/api/v1')?.etag, core)
  t.equal(get('/openapi/v3')?.etag, index)
})
