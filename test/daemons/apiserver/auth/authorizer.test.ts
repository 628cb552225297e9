import t from 'tap'
import type { UserInfo } from '../../../../daemons/apiserver/auth/user-info.ts'
import { anonymous, isAuthorized, refusal } from '../../../../daemons/apiserver/auth/authorizer.ts'

const user = (name: string, ...groups: string[]): UserInfo => ({ name, groups })
const users = {
  admin: user('kubernetes-admin', 'system:masters'),
  scheduler: user('system:kube-scheduler'),
  controllers: user('system:kube-controller-manager'),
  node: user('system:node:n1', 'system:nodes'),
  proxy: user('system:kube-proxy'),
  dns: user('system:skiff:dns'),
  ingress: user('system:skiff:ingress'),
  stranger: user('jane'),
}
const wanted = (verb: string, resource: string) => {
  const [qualified = '', subresource = ''] = resource.split('/')
  const [plural = '', ...group] = qualified.split('.')
  return { kind: 'resource' as const, verb, group: group.join('.'), plural, subresource, namespace: 'x', name: '' }
}

const cases: [who: keyof typeof users, may: boolean, verb: string, resource: string][] = [
  ['admin', true, 'deletecollection', 'anything.example.com'],
  ['scheduler', true, 'watch', 'pods'],
  ['scheduler', true, 'create', 'pods/binding'],
  ['scheduler', false, 'create', 'pods'],
  ['scheduler', false, 'get', 'secrets'],
  ['controllers', true, 'delete', 'replicasets.apps'],
  ['controllers', false, 'create', 'pods/exec'],
  ['node', true, 'patch', 'pods/status'],
  ['node', true, 'update', 'leases.coordination.k8s.io'],
  ['node', false, 'delete', 'services'],
  ['proxy', true, 'watch', 'endpointslices.discovery.k8s.io'],
  ['proxy', false, 'list', 'secrets'],
  ['dns', true, 'list', 'services'],
  ['dns', false, 'create', 'events'],
  ['ingress', true, 'patch', 'ingresses.networking.k8s.io/status'],
  ['ingress', false, 'update', 'ingresses.networking.k8s.io'],
  ['stranger', false, 'list', 'pods'],
]
for (const [who, may, verb, resource] of cases)
  void t.test(`${who} ${may ? 'may' : 'may not'} ${verb} ${resource}`, async t =>
    t.equal(isAuthorized(users[who], wanted(verb, resource)), may),
  )

void t.test('discovery is for whoever has a name, health for everybody, metrics for masters', async t => {
  const path = (path: string) => ({ kind: 'path' as const, verb: 'get', path })
  t.ok(isAuthorized(users.stranger, path('/apis/apps/v1')))
  t.notOk(isAuthorized(anonymous, path('/apis')))
  t.ok(isAuthorized(anonymous, path('/readyz')))
  t.notOk(isAuthorized(users.stranger, path('/metrics')))
  t.ok(isAuthorized(users.admin, path('/metrics')))
  t.notOk(isAuthorized(anonymous, path('/versions')))
})

void t.test('a refusal says who, what and where, in upstream’s words', async t => {
  const named = { ...wanted('get', 'deployments.apps/scale'), name: 'web' }
  t.equal(
    refusal(users.dns, named).message,
    'deployments.apps "web" is forbidden: User "system:skiff:dns" cannot get resource "deployments/scale" in API group "apps" in the namespace "x"',
  )
})
