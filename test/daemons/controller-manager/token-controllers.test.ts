import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Secret, ServiceAccount } from 'kubernetes-types/core/v1.js'
import type { ClusterRole, PolicyRule } from 'kubernetes-types/rbac/v1.js'
import t from 'tap'
import { planAggregation } from '../../../daemons/controller-manager/cluster-role-aggregation-controller.ts'
import { planTokenSecret } from '../../../daemons/controller-manager/token-controller.ts'
import { decodeToken, isSignedBy, readVerificationKeys } from '../../../kube/json-web-token.ts'
import { clusterRoles, secrets } from '../../../kube/resources.ts'
import { runControllers } from './harness.ts'

const role = (name: string, labels: Record<string, string>, rules: PolicyRule[], from?: string): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules,
  ...(from === undefined ? {} : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [from]: 'true' } }] } }),
})
const rule = (resource: string): PolicyRule => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })

t.test('an aggregated role has the rules of what its selectors name, each once, in the order of names', async t => {
  const view = role('view', {}, [], 'to-view')
  const all = [
    view,
    role('b', { 'to-view': 'true' }, [rule('pods'), rule('secrets')]),
    role('a', { 'to-view': 'true' }, [rule('pods')]),
    role('other', {}, [rule('nodes')]),
  ]
  t.match(planAggregation(view, all), { kind: 'update', object: { rules: [rule('pods'), rule('secrets')] } })
  t.equal(planAggregation({ ...view, rules: [rule('pods'), rule('secrets')] }, all), undefined)
  t.equal(planAggregation(all[1], all), undefined, 'a role that is made of no others is left alone')
})

t.test('a new part reaches the role that is made of it, and what is made of that', async t => {
  const objects = [role('view', { 'to-edit': 'true' }, [], 'to-view'), role('edit', {}, [], 'to-edit')]
  const h = await runControllers(t, ['clusterrole-aggregation-controller'], objects)
  await h.client.create(clusterRoles, role('part', { 'to-view': 'true' }, [rule('widgets')]))
  await h.settle()
  t.same((await h.client.get(clusterRoles, 'edit')).rules, [rule('widgets')])
})

const account = (uid: string): ServiceAccount => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'robot', namespace: 'default', uid },
})
const secret = (annotations: Record<string, string> = {}, data: Record<string, string> = {}): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/service-account-token',
  metadata: {
    name: 'robot-token',
    namespace: 'default',
    annotations: { 'kubernetes.io/service-account.name': 'robot', ...annotations },
  },
  data,
})
const source = { sign: () => 'signed', rootCa: 'CA' }
const base64 = (text: string) => Buffer.from(text).toString('base64')
const full = { token: base64('signed'), namespace: base64('default'), 'ca.crt': base64('CA') }
const uid = { 'kubernetes.io/service-account.uid': 'u1' }

t.test('a token Secret is filled, kept, and goes with its account', async t => {
  t.match(planTokenSecret(secret(), account('u1'), source), {
    kind: 'update',
    object: { metadata: { annotations: uid }, data: full },
  })
  t.equal(planTokenSecret(secret(uid, full), account('u1'), source), undefined)
  const stale = { ...full, 'ca.crt': base64('old') }
  t.match(planTokenSecret(secret(uid, stale), account('u1'), source), { kind: 'update', object: { data: full } })
  t.match(planTokenSecret(secret(uid, full), undefined, source), { kind: 'delete', name: 'robot-token' })
  t.match(planTokenSecret(secret(uid, full), account('u2'), source), { kind: 'delete' })
  t.equal(planTokenSecret({ ...secret(), type: 'Opaque' }, account('u1'), source), undefined)
})

t.test('the token in a Secret is signed with the key of the flag', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-tokens-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'sa.key')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(file, pem)
  const flags = { serviceAccountPrivateKeyFile: file }
  const h = await runControllers(t, ['serviceaccount-token-controller'], [account('u1')], flags)
  await h.client.create(secrets, secret())
  await h.settle()
  const { data = {} } = await h.client.get(secrets, 'robot-token', { namespace: 'default' })
  const decoded = decodeToken(Buffer.from(data['token'] ?? '', 'base64').toString())
  const [key] = readVerificationKeys(pem)
  t.ok(decoded !== undefined && key !== undefined && isSignedBy(decoded, key))
  t.match(decoded?.claims, {
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:default:robot',
    'kubernetes.io/serviceaccount/service-account.uid': 'u1',
    'kubernetes.io/serviceaccount/secret.name': 'robot-token',
  })
  writeFileSync(file, 'no key')
  await t.rejects(runControllers(t, ['serviceaccount-token-controller'], [], flags), { code: 'INVALID_INPUT' })
})
