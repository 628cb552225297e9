import t from 'tap'
import { clusterRoles } from '../../../../kube/resources.ts'
import { policyObjects } from '../../../../daemons/apiserver/auth/rbac/bootstrap-policy.ts'
import { planPolicy, reconcilePolicy } from '../../../../daemons/apiserver/auth/rbac/reconcile-policy.ts'
import { makePolicyRegistry } from './test-policy.ts'

const objectOf = (plural: string, name: string) => {
  const found = policyObjects().find(({ plural: p, object }) => p === plural && object.metadata?.name === name)
  if (found === undefined) throw new Error(`no ${plural} ${name}`)
  return found
}

void t.test('every default object is named once, and every binding refers to a role that there is', async t => {
  const objects = policyObjects()
  const names = objects.map(
    ({ plural, object }) => `${plural}/${object.metadata?.namespace ?? ''}/${object.metadata?.name}`,
  )
  t.equal(new Set(names).size, names.length)
  for (const { plural, object } of objects) {
    if (!plural.endsWith('bindings')) continue
    const { kind, name } = object['roleRef'] as { kind: string; name: string }
    const place = kind === 'Role' ? (object.metadata?.namespace ?? '') : ''
    t.ok(names.includes(`${kind.toLowerCase()}s/${place}/${name}`), `${object.metadata?.name} -> ${name}`)
  }
})

void t.test('the table reads as upstream’s objects', async t => {
  t.same(objectOf('clusterroles', 'edit').object, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: {
      name: 'edit',
      labels: {
        'kubernetes.io/bootstrapping': 'rbac-defaults',
        'rbac.authorization.k8s.io/aggregate-to-admin': 'true',
      },
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    },
    aggregationRule: {
      clusterRoleSelectors: [{ matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' } }],
    },
  })
  t.same(objectOf('clusterroles', 'cluster-admin').object['rules'], [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ])
  t.same(objectOf('clusterroles', 'system:controller:certificate-controller').object['rules'], [
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['certificatesigningrequests'],
      verbs: ['delete', 'get', 'list', 'watch'],
    },
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['certificatesigningrequests/approval', 'certificatesigningrequests/status'],
      verbs: ['update'],
    },
    {
      apiGroups: ['certificates.k8s.io'],
      resourceNames: ['kubernetes.io/kube-apiserver-client-kubelet'],
      resources: ['signers'],
      verbs: ['approve'],
    },
    {
      apiGroups: ['certificates.k8s.io'],
      resourceNames: [
        'kubernetes.io/kube-apiserver-client',
        'kubernetes.io/kube-apiserver-client-kubelet',
        'kubernetes.io/kubelet-serving',
        'kubernetes.io/legacy-unknown',
      ],
      resources: ['signers'],
      verbs: ['sign'],
    },
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
  ])
  t.notOk('subjects' in objectOf('clusterrolebindings', 'system:node').object, 'the node authorizer holds the rules')
  t.same(objectOf('clusterrolebindings', 'system:controller:job-controller').object['subjects'], [
    { kind: 'ServiceAccount', name: 'job-controller', namespace: 'kube-system' },
  ])
})

void t.test(
  'a default role gets what it lacks, keeps what it was given, and is left alone where it says so',
  async t => {
    const wanted = objectOf('clusterroles', 'system:basic-user')
    t.equal(planPolicy(wanted, undefined)?.kind, 'create')
    t.equal(planPolicy(wanted, structuredClone(wanted.object)), undefined)
    const extra = { apiGroups: [''], resources: ['pods'], verbs: ['get'] }
    t.equal(planPolicy(wanted, { ...wanted.object, rules: [...(wanted.object['rules'] as []), extra] }), undefined)
    const lacking = planPolicy(wanted, { ...wanted.object, rules: [extra] })
    t.match(lacking, { kind: 'update', object: { rules: [extra, { resources: ['selfsubjectaccessreviews'] }] } })
    const own = { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } }
    t.equal(
      planPolicy(wanted, { ...wanted.object, metadata: { ...wanted.object.metadata, ...own }, rules: [] }),
      undefined,
    )
    const binding = objectOf('clusterrolebindings', 'system:basic-user')
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'other' }
    t.equal(planPolicy(binding, { ...binding.object, roleRef })?.kind, 'replace')
  },
)

void t.test('a second start finds nothing to write', async t => {
  const { registry, client, store } = await makePolicyRegistry(t)
  const before = store.revision
  await reconcilePolicy(client, registry.reader)
  t.equal(store.revision, before)
  await client.delete(clusterRoles, 'view')
  await reconcilePolicy(client, registry.reader)
  t.equal(store.revision, before + 2)
})
