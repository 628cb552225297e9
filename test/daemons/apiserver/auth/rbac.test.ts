import t from 'tap'
import { startTestServer } from '../http/test-server.ts'

const group = '/apis/rbac.authorization.k8s.io/v1'
const server = await startTestServer(t)
const { ask, authority } = server

const apply = async (path: string, kind: string, body: Record<string, unknown>, as = server.admin) =>
  ask(path, { method: 'POST', as, body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind, ...body } })
const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name })
const clusterRole = (name: string, rules: unknown[]) =>
  apply(`${group}/clusterroles`, 'ClusterRole', { metadata: { name }, rules })
const clusterBinding = (name: string, role: string, subjects: unknown[]) =>
  apply(`${group}/clusterrolebindings`, 'ClusterRoleBinding', {
    metadata: { name },
    roleRef: roleRef('ClusterRole', role),
    subjects,
  })
const person = (name: string) => ({ kind: 'User', name })

void t.test('a binding gives what its role says, and takes it back when it is deleted', async t => {
  const ann = await authority.client('ann', ['readers'])
  const list = () => ask('/api/v1/namespaces/default/configmaps', { as: ann })
  const refused = await list()
  t.equal(refused.status, 403)
  t.equal(
    refused.json['message'],
    'configmaps is forbidden: User "ann" cannot list resource "configmaps" in API group "" in the namespace "default"',
  )
  await clusterBinding('readers', 'readers', [{ kind: 'Group', name: 'readers' }])
  t.match((await list()).json['message'], /: RBAC: clusterrole.rbac.authorization.k8s.io "readers" not found$/)
  await clusterRole('readers', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }])
  t.equal((await list()).status, 200)
  t.equal((await ask('/api/v1/namespaces/default/configmaps/x', { as: ann })).status, 403)
  await ask(`${group}/clusterrolebindings/readers`, { method: 'DELETE' })
  t.equal((await list()).status, 403)
})

void t.test('a RoleBinding holds in its namespace alone, for a ClusterRole too', async t => {
  const ben = await authority.client('ben', [])
  await apply(`${group}/namespaces/kube-public/rolebindings`, 'RoleBinding', {
    metadata: { name: 'ben' },
    roleRef: roleRef('ClusterRole', 'system:aggregate-to-view'),
    subjects: [person('ben')],
  })
  t.equal((await ask('/api/v1/namespaces/kube-public/pods', { as: ben })).status, 200)
  t.equal((await ask('/api/v1/namespaces/default/pods', { as: ben })).status, 403)
  t.equal((await ask('/api/v1/pods', { as: ben })).status, 403)
  t.equal((await ask('/api/v1/namespaces/kube-public/secrets', { as: ben })).status, 403)
})

void t.test('resourceNames hold for one object, for its list by name too, and never for a create', async t => {
  const cem = await authority.client('cem', [])
  await clusterRole('one-map', [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: ['one'], verbs: ['get', 'list', 'create'] },
  ])
  await clusterBinding('cem', 'one-map', [person('cem')])
  const maps = '/api/v1/namespaces/default/configmaps'
  t.equal((await ask(`${maps}/one`, { as: cem })).status, 404)
  t.equal((await ask(`${maps}/two`, { as: cem })).status, 403)
  t.equal((await ask(maps, { as: cem })).status, 403)
  t.equal((await ask(`${maps}?fieldSelector=metadata.name%3Done`, { as: cem })).status, 200)
  t.equal((await ask(maps, { method: 'POST', body: { metadata: { name: 'one' } }, as: cem })).status, 403)
})

void t.test('*/scale is that subresource of everything; a path may end with a glob', async t => {
  const dan = await authority.client('dan', [])
  await clusterRole('scaler', [
    { apiGroups: ['*'], resources: ['*/scale'], verbs: ['get'] },
    { nonResourceURLs: ['/metrics*'], verbs: ['get'] },
  ])
  await clusterBinding('dan', 'scaler', [person('dan')])
  const base = '/apis/apps/v1/namespaces/default/deployments/web'
  t.equal((await ask(`${base}/scale`, { as: dan })).status, 404)
  t.equal((await ask(base, { as: dan })).status, 403)
  t.equal((await ask('/metrics', { as: dan })).status, 200)
  t.equal((await ask('/healthz/ping', { as: dan })).status, 403)
})

void t.test('whoever is not known may do what system:unauthenticated is bound to', async t => {
  const body = { metadata: { name: 'from-nobody' } }
  const maps = '/api/v1/namespaces/default/configmaps'
  const nobody = { cert: '', key: '' }
  t.equal((await ask(maps, { method: 'POST', body, as: nobody })).status, 403)
  await clusterRole('letterbox', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }])
  await clusterBinding('letterbox', 'letterbox', [{ kind: 'Group', name: 'system:unauthenticated' }])
  t.equal((await ask(maps, { method: 'POST', body, as: nobody })).status, 201)
  await ask(`${group}/clusterrolebindings/letterbox`, { method: 'DELETE' })
})

void t.test('nobody gives away what they do not have', async t => {
  const eve = await authority.client('eve', ['dev'])
  await clusterRole('role-writer', [
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'], verbs: ['create', 'update'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
  ])
  await clusterBinding('eve', 'role-writer', [person('eve')])
  const roles = `${group}/namespaces/default/roles`
  const write = (name: string, verbs: string[]) =>
    apply(roles, 'Role', { metadata: { name }, rules: [{ apiGroups: [''], resources: ['pods'], verbs }] }, eve)
  t.equal((await write('getter', ['get'])).status, 201)
  const refused = await write('deleter', ['get', 'delete', 'list'])
  t.equal(refused.status, 403)
  t.equal(
    refused.json['message'],
    'roles.rbac.authorization.k8s.io "deleter" is forbidden: user "eve" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete" "list"]}',
  )
  const bind = (name: string, role: string) =>
    apply(
      `${group}/namespaces/default/rolebindings`,
      'RoleBinding',
      { metadata: { name }, roleRef: roleRef('ClusterRole', role), subjects: [person('eve')] },
      eve,
    )
  t.match((await bind('all', 'cluster-admin')).json['message'], /not currently held:\n\{APIGroups:\["\*"\]/)
  t.equal((await bind('none', 'no-such')).status, 404)
  t.equal((await bind('own', 'role-writer')).status, 201)
  await clusterRole('binder', [
    {
      apiGroups: ['rbac.authorization.k8s.io'],
      resources: ['clusterroles'],
      resourceNames: ['view'],
      verbs: ['bind'],
    },
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['escalate'] },
  ])
  await clusterBinding('eve-binds', 'binder', [person('eve')])
  t.equal((await bind('view', 'view')).status, 201, 'the verb bind')
  t.equal((await write('any', ['*'])).status, 201, 'the verb escalate')
  const aggregated = {
    metadata: { name: 'sum' },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
  }
  t.match(
    (await apply(`${group}/clusterroles`, 'ClusterRole', aggregated, eve)).json['message'],
    /must have cluster-admin privileges to use the aggregationRule$/,
  )
})

void t.test('reviews tell what anybody may do, and why', async t => {
  const review = async (path: string, body: unknown, as = server.admin) =>
    (await ask(path, { method: 'POST', body, as })).json
  const authorization = '/apis/authorization.k8s.io/v1'
  const attributes = { namespace: 'default', verb: 'get', resource: 'secrets', name: 'x' }
  const user = { user: 'system:skiff:ingress', groups: ['system:authenticated'] }
  t.match(
    await review(`${authorization}/subjectaccessreviews`, { spec: { ...user, resourceAttributes: attributes } }),
    {
      status: { allowed: true, reason: /ClusterRoleBinding "system:skiff:ingress"/ },
    },
  )
  t.match(await review(`${authorization}/subjectaccessreviews`, { spec: { resourceAttributes: attributes } }), {
    code: 422,
    message: /spec.user: Invalid value: "": at least one of user or group must be specified/,
  })
  const local = `${authorization}/namespaces/default/localsubjectaccessreviews`
  t.match(await review(local, { spec: { user: 'nobody', resourceAttributes: attributes } }), {
    status: { allowed: false },
  })
  t.match(
    await review(local, { spec: { user: 'nobody', resourceAttributes: { ...attributes, namespace: 'other' } } }),
    { code: 422, message: /spec.resourceAttributes.namespace: .*must match metadata.namespace/ },
  )
  const rules = await review(
    `${authorization}/selfsubjectrulesreviews`,
    { spec: { namespace: 'default' } },
    await authority.client('system:node:n1', ['system:nodes']),
  )
  t.match(rules['status'], {
    incomplete: true,
    evaluationError: 'node authorizer does not support user rule resolution',
  })
})
