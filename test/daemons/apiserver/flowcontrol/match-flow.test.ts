import t from 'tap'
import type { Attributes } from '../../../../daemons/apiserver/auth/attributes.ts'
import type { UserInfo } from '../../../../daemons/apiserver/auth/user-info.ts'
import { byPrecedence, matchesFlow } from '../../../../daemons/apiserver/flowcontrol/match-flow.ts'
import { flowSchemas } from '../../../../daemons/apiserver/registry/flow-control-objects.ts'

const known = 'system:authenticated'
const user = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, known] })
const account = (namespace: string, name: string): UserInfo => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, known],
})
const of = (verb: string, resource: string, more: Partial<Attributes & { kind: 'resource' }> = {}): Attributes => {
  const [plural = '', subresource = ''] = resource.split('/')
  return { kind: 'resource', verb, group: '', plural, subresource, namespace: 'a', name: '', ...more }
}
const leases = of('update', 'leases', { group: 'coordination.k8s.io' })
const node = user('system:node:n', 'system:nodes')

const sorted = [...flowSchemas].sort(byPrecedence)
const cases: { name: string; user: UserInfo; wanted: Attributes; is: string }[] = [
  { name: 'an administrator', user: user('admin', 'system:masters'), wanted: of('list', 'pods'), is: 'exempt' },
  { name: 'a probe', user: { name: 'system:anonymous', groups: ['system:unauthenticated'] }, wanted: { kind: 'path', verb: 'get', path: '/healthz' }, is: 'probes' },
  { name: 'a path below a probe', user: user('kim'), wanted: { kind: 'path', verb: 'get', path: '/healthz/etcd' }, is: 'global-default' },
  { name: 'a node’s heartbeat', user: node, wanted: leases, is: 'system-node-high' },
  { name: 'a node’s status', user: node, wanted: of('patch', 'nodes/status', { namespace: '' }), is: 'system-node-high' },
  { name: 'a node that lists pods', user: node, wanted: of('list', 'pods'), is: 'system-nodes' },
  { name: 'the scheduler’s election', user: user('system:kube-scheduler'), wanted: leases, is: 'system-leader-election' },
  { name: 'the scheduler’s work', user: user('system:kube-scheduler'), wanted: of('create', 'pods/binding'), is: 'kube-scheduler' },
  { name: 'an operator in kube-system', user: account('kube-system', 'x'), wanted: of('list', 'pods'), is: 'kube-system-service-accounts' },
  { name: 'a pod’s service account', user: account('a', 'x'), wanted: of('list', 'pods'), is: 'service-accounts' },
  { name: 'somebody', user: user('kim'), wanted: of('list', 'pods'), is: 'global-default' },
] // prettier-ignore
for (const { name, user: who, wanted, is } of cases)
  t.test(`${name} is of ${is}`, async t => {
    t.equal(sorted.find(schema => matchesFlow(schema, who, wanted))?.metadata.name, is)
  })

t.test('rules name verbs, groups, resources and namespaces, or everything', async t => {
  const schema = (resourceRules: object[], nonResourceRules: object[] = []) => ({
    spec: { rules: [{ subjects: [{ kind: 'User', user: { name: '*' } }], resourceRules, nonResourceRules }] },
  })
  const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['a'] }
  const matches = (rules: object, wanted: Attributes) => matchesFlow(rules as never, user('kim'), wanted)
  t.ok(matches(schema([rule]), of('get', 'pods')))
  t.notOk(matches(schema([rule]), of('list', 'pods')))
  t.notOk(matches(schema([rule]), of('get', 'pods/status')))
  t.notOk(matches(schema([rule]), of('get', 'pods', { namespace: 'b' })))
  t.notOk(matches(schema([rule]), of('get', 'pods', { namespace: '' })))
  t.ok(matches(schema([{ ...rule, clusterScope: true }]), of('get', 'pods', { namespace: '' })))
  const debug = schema([], [{ verbs: ['*'], nonResourceURLs: ['/debug/*'] }])
  t.ok(matches(debug, { kind: 'path', verb: 'get', path: '/debug/pprof' }))
  t.notOk(matches(debug, { kind: 'path', verb: 'get', path: '/debug' }))
})
