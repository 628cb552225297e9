import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cells, createErrors, created, metadata, updateErrors } from './sample-objects.ts'

const group = 'rbac.authorization.k8s.io'
const roleRef = { apiGroup: group, kind: 'Role', name: 'reader' }
const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
const binding = (more: object): UnknownObject => ({ metadata: metadata(), roleRef, ...more })

const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  { name: 'a Role without rules is fine', plural: 'roles', object: { metadata: metadata() }, errors: [] },
  {
    name: 'a rule says what may be done, and with what',
    plural: 'roles',
    object: { metadata: metadata(), rules: [rule, {}] },
    errors: [
      'rules[1].verbs: Required value: verbs must contain at least one value',
      'rules[1].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[1].resources: Required value: resource rules must supply at least one resource',
    ],
  },
  {
    name: 'a Role has no say in paths of URLs',
    plural: 'roles',
    object: { metadata: metadata(), rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] },
    errors: [
      'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs',
    ],
  },
  {
    name: 'a rule is of resources or of paths',
    plural: 'clusterroles',
    object: { metadata: { name: 'x' }, rules: [{ ...rule, nonResourceURLs: ['/healthz'] }] },
    errors: [
      'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both regular resources and non-resource URLs',
    ],
  },
  {
    name: 'an aggregated role selects others',
    plural: 'clusterroles',
    object: { metadata: { name: 'x' }, aggregationRule: {} },
    errors: [
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ],
  },
  {
    name: 'a RoleBinding may name a ClusterRole',
    plural: 'rolebindings',
    object: binding({ roleRef: { kind: 'ClusterRole', name: 'system:node' } }),
    errors: [],
  },
  {
    name: 'a ClusterRoleBinding names no Role',
    plural: 'clusterrolebindings',
    object: { metadata: { name: 'x' }, roleRef },
    errors: ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
  },
  {
    name: 'a binding names a role',
    plural: 'rolebindings',
    object: binding({ roleRef: { kind: 'Role', name: 'a/b' } }),
    errors: [`roleRef.name: Invalid value: "a/b": may not contain '/'`],
  },
  {
    name: 'a subject has a kind, a name and the group of its kind',
    plural: 'clusterrolebindings',
    object: {
      metadata: { name: 'x' },
      roleRef: { kind: 'ClusterRole', name: 'x' },
      subjects: [
        { kind: 'Robot', name: 'x' },
        { kind: 'User', apiGroup: 'x' },
        { kind: 'ServiceAccount', name: 'x' },
      ],
    },
    errors: [
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
      'subjects[1].name: Required value',
      `subjects[1].apiGroup: Unsupported value: "x": supported values: "${group}"`,
      'subjects[2].namespace: Required value',
    ],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })

t.test('users and groups get their API group, service accounts none', async t => {
  const subjects = ['User', 'Group', 'ServiceAccount'].map(kind => ({ kind, name: 'x' }))
  const object = created('rolebindings', binding({ subjects, roleRef: { kind: 'Role', name: 'x' } }))
  t.same(object['roleRef'], { apiGroup: group, kind: 'Role', name: 'x' })
  t.same(object['subjects'], [
    { kind: 'User', name: 'x', apiGroup: group },
    { kind: 'Group', name: 'x', apiGroup: group },
    { kind: 'ServiceAccount', name: 'x' },
  ])
})

t.test('a binding never changes its role', async t => {
  const next = { ...roleRef, name: 'writer' }
  t.same(updateErrors('rolebindings', binding({}), binding({ roleRef: next })), [
    `roleRef: Invalid value: ${JSON.stringify(next)}: cannot change roleRef`,
  ])
})

t.test('a wide table of bindings says who is bound', async t => {
  const subjects = [
    { kind: 'User', name: 'ann' },
    { kind: 'User', name: 'ben' },
    { kind: 'ServiceAccount', name: 'sa', namespace: 'default' },
  ]
  const { Role, Users, Groups, ServiceAccounts } = cells('rolebindings', binding({ subjects }))
  t.same([Role, Users, Groups, ServiceAccounts], ['Role/reader', 'ann, ben', '', 'default/sa'])
})
