import t from 'tap'
import { type Attributes, refusal } from '../../../../daemons/apiserver/auth/attributes.ts'
import { parseModes } from '../../../../daemons/apiserver/auth/authorization-mode.ts'
import {
  alwaysAllow,
  alwaysDeny,
  authorizerChain,
  isAuthorized,
} from '../../../../daemons/apiserver/auth/authorizer.ts'
import { anonymous } from '../../../../daemons/apiserver/auth/user-info.ts'
import { makePolicyRegistry, user, wanted } from './test-policy.ts'

const users = {
  admin: user('kubernetes-admin', 'system:masters'),
  scheduler: user('system:kube-scheduler'),
  controllers: user('system:kube-controller-manager'),
  node: user('system:node:n1', 'system:nodes'),
  proxy: user('system:kube-proxy'),
  dns: user('system:skiff:dns'),
  ingress: user('system:skiff:ingress'),
  stranger: user('jane'),
  collector: user('system:serviceaccount:kube-system:generic-garbage-collector', 'system:serviceaccounts'),
  anonymous,
}

const cases: [who: keyof typeof users, may: boolean, verb: string, resource: string][] = [
  ['admin', true, 'deletecollection', 'anything.example.com'],
  ['scheduler', true, 'watch', 'pods'],
  ['scheduler', true, 'create', 'pods/binding'],
  ['scheduler', true, 'list', 'priorityclasses.scheduling.k8s.io'],
  ['scheduler', true, 'update', 'leases.coordination.k8s.io=kube-scheduler'],
  ['scheduler', false, 'update', 'leases.coordination.k8s.io=other'],
  ['scheduler', false, 'create', 'pods'],
  ['scheduler', false, 'get', 'secrets'],
  ['controllers', true, 'delete', 'replicasets.apps'],
  ['controllers', true, 'update', 'deployments.apps/status'],
  ['controllers', true, 'create', 'serviceaccounts/token'],
  ['controllers', true, 'escalate', 'clusterroles.rbac.authorization.k8s.io'],
  ['controllers', false, 'create', 'pods/exec'],
  ['controllers', false, 'create', 'clusterrolebindings.rbac.authorization.k8s.io'],
  ['collector', true, 'delete', 'widgets.example.com'],
  ['collector', false, 'create', 'pods'],
  ['node', true, 'patch', 'pods/status'],
  ['node', true, 'list', 'nodes'],
  ['node', false, 'delete', 'services'],
  ['proxy', true, 'watch', 'endpointslices.discovery.k8s.io'],
  ['proxy', false, 'list', 'secrets'],
  ['dns', true, 'list', 'services'],
  ['dns', false, 'create', 'events'],
  ['ingress', true, 'patch', 'ingresses.networking.k8s.io/status'],
  ['ingress', false, 'update', 'ingresses.networking.k8s.io'],
  ['stranger', true, 'create', 'selfsubjectaccessreviews.authorization.k8s.io'],
  ['stranger', false, 'create', 'subjectaccessreviews.authorization.k8s.io'],
  ['stranger', false, 'list', 'pods'],
  ['anonymous', false, 'create', 'selfsubjectreviews.authentication.k8s.io'],
]

void t.test('the default roles give each component what it needs', async t => {
  const { registry } = await makePolicyRegistry(t)
  for (const [who, may, verb, resource] of cases)
    t.equal(
      isAuthorized(registry.authorizer, users[who], wanted(verb, resource)),
      may,
      `${who} ${may ? 'may' : 'may not'} ${verb} ${resource}`,
    )
  const reads = (who: keyof typeof users, path: string): boolean =>
    isAuthorized(registry.authorizer, users[who], { kind: 'path', verb: 'get', path } satisfies Attributes)
  t.ok(reads('stranger', '/apis/apps/v1'), 'discovery is for whoever has a name')
  t.notOk(reads('anonymous', '/apis'))
  t.ok(reads('anonymous', '/readyz'), 'health is for everybody')
  t.notOk(reads('anonymous', '/readyz/ping'), 'its parts are not')
  t.notOk(reads('stranger', '/metrics'), 'metrics are for masters')
  t.ok(reads('admin', '/metrics'))
})

void t.test('a verdict of RBAC names the binding, the role and the subject', async t => {
  const { registry } = await makePolicyRegistry(t)
  t.same(registry.authorizer.authorize(users.dns, wanted('list', 'services')), {
    decision: 'allow',
    reason:
      'RBAC: allowed by ClusterRoleBinding "system:skiff:dns" of ClusterRole "system:skiff:dns" to User "system:skiff:dns"',
  })
})

void t.test('a refusal says who, what and where, in upstream’s words', async t => {
  const named = wanted('get', 'deployments.apps/scale=web')
  const text =
    'deployments.apps "web" is forbidden: User "system:skiff:dns" cannot get resource "deployments/scale" in API group "apps" in the namespace "x"'
  t.equal(refusal(users.dns, named).message, text)
  t.equal(refusal(users.dns, named, 'RBAC: it is not').message, `${text}: RBAC: it is not`)
  const path = { kind: 'path', verb: 'get', path: '/metrics' } as const
  t.equal(refusal(users.dns, path).message, 'forbidden: User "system:skiff:dns" cannot get path "/metrics"')
})

void t.test('system:masters are never locked out, and the first authorizer with an opinion decides', async t => {
  const pods = wanted('list', 'pods')
  t.ok(isAuthorized(authorizerChain([alwaysDeny]), users.admin, pods))
  t.notOk(isAuthorized(authorizerChain([alwaysDeny]), users.stranger, pods))
  t.ok(isAuthorized(authorizerChain([alwaysDeny, alwaysAllow]), users.stranger, pods))
  const denying = { ...alwaysDeny, authorize: () => ({ decision: 'deny' as const, reason: 'no' }) }
  t.notOk(isAuthorized(authorizerChain([denying, alwaysAllow]), users.stranger, pods))
})

void t.test('modes are named once, and must be known', async t => {
  t.same(parseModes(['Node', 'RBAC']), ['Node', 'RBAC'])
  t.throws(() => parseModes([]), { code: 'INVALID_INPUT' })
  t.throws(() => parseModes(['RBAC', 'RBAC']), /RBAC is named twice/)
  t.throws(() => parseModes(['Webhook']), /there is no mode "Webhook"/)
})
