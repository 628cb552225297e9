import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createPublicKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { staticTokens } from '../../../../daemons/apiserver/auth/tokens/static-tokens.ts'
import {
  decodeToken,
  isSignedBy,
  readSigningKey,
  readVerificationKeys,
  signToken,
} from '../../../../kube/json-web-token.ts'
import { startTestServer } from '../http/test-server.ts'
import { installedKubectls } from '../schema/installed-kubectls.ts'

const server = await startTestServer(t)
const { ask } = server
const accounts = '/api/v1/namespaces/default/serviceaccounts'
const issuer = 'https://kubernetes.default.svc.cluster.local'

const create = (path: string, body: unknown) => ask(path, { method: 'POST', body })
const nobody = { cert: '', key: '' }
const bearer = (token: string) => ({ as: nobody, headers: { authorization: `Bearer ${token}` } })
const whoAmI = async (token: string) => {
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const { status, json } = await ask(path, { method: 'POST', body: {}, ...bearer(token) })
  return { status, user: (json['status'] as { userInfo?: unknown } | undefined)?.userInfo }
}
const requestToken = async (account: string, spec: unknown = {}) => {
  const reply = await create(`${accounts}/${account}/token`, { spec })
  return { ...reply, token: (reply.json['status'] as { token?: string } | undefined)?.token ?? '' }
}
const uidOf = (json: Record<string, unknown>): string => (json['metadata'] as { uid: string }).uid

void t.test('a token of a service account is its user, with its groups and uid', async t => {
  const uid = uidOf((await create(accounts, { metadata: { name: 'robot' } })).json)
  const { status, json, token } = await requestToken('robot', { expirationSeconds: 1200 })
  t.equal(status, 201)
  t.match(json, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: 'robot', namespace: 'default' },
    spec: { audiences: [issuer], expirationSeconds: 1200, boundObjectRef: null },
  })
  const claims = decodeToken(token)?.claims ?? {}
  t.match(claims, {
    iss: issuer,
    aud: [issuer],
    sub: 'system:serviceaccount:default:robot',
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid } },
  })
  t.equal(Number(claims['exp']) - Number(claims['iat']), 1200)
  t.same(await whoAmI(token), {
    status: 201,
    user: {
      username: 'system:serviceaccount:default:robot',
      uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${String(claims['jti'])}`] },
    },
  })
  const refused = await ask('/api/v1/namespaces/default/pods', bearer(token))
  t.match(refused.json['message'], /^pods is forbidden: User "system:serviceaccount:default:robot" cannot list/)
})

void t.test('a token that nobody issued, or that was tampered with, is nobody’s', async t => {
  const { token } = await requestToken('robot')
  const [head = '', body = '', signature = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'system:admin' })).toString('base64url')
  const unsigned = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
  for (const bad of [
    'x',
    'a.b.c',
    `${head}.${forged}.${signature}`,
    `${unsigned}.${body}.`,
    `${unsigned}.${body}.AAAA`,
  ])
    t.equal((await whoAmI(bad)).status, 401, bad.slice(0, 40))
  t.equal((await ask('/healthz', bearer('x'))).status, 401, 'on public paths too')
  const basic = { as: nobody, headers: { authorization: 'Basic eDp5' } }
  t.equal((await ask('/healthz', basic)).status, 200, 'what is no bearer token is no credential')
})

void t.test('a token ends with its account, and does not come back with another of the name', async t => {
  await create(accounts, { metadata: { name: 'short' } })
  const { token: first } = await requestToken('short')
  await ask(`${accounts}/short`, { method: 'DELETE' })
  t.equal((await whoAmI(first)).status, 401)
  await create(accounts, { metadata: { name: 'short' } })
  t.equal((await whoAmI(first)).status, 401)
})

void t.test('a token bound to a pod names it and its node, and ends with it', async t => {
  const node = uidOf((await create('/api/v1/nodes', { metadata: { name: 'n1' } })).json)
  const pods = '/api/v1/namespaces/default/pods'
  const spec = { nodeName: 'n1', serviceAccountName: 'robot', containers: [{ name: 'c', image: 'busybox:1' }] }
  const uid = uidOf((await create(pods, { metadata: { name: 'web' }, spec })).json)
  const ref = { kind: 'Pod', apiVersion: 'v1', name: 'web', uid }
  const { token, json } = await requestToken('robot', { boundObjectRef: ref, expirationSeconds: 3607 })
  const claims = decodeToken(token)?.claims ?? {}
  t.match(claims['kubernetes.io'], { pod: { name: 'web', uid }, node: { name: 'n1', uid: node } })
  t.equal(
    Number(claims['exp']) - Number(claims['iat']),
    31_536_000,
    'what pods get by default holds longer than it says',
  )
  t.equal((json['spec'] as { expirationSeconds: number }).expirationSeconds, 3607)
  t.match(await whoAmI(token), {
    user: {
      extra: {
        'authentication.kubernetes.io/pod-name': ['web'],
        'authentication.kubernetes.io/pod-uid': [uid],
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/node-uid': [node],
      },
    },
  })
  const other = await requestToken('default', { boundObjectRef: ref })
  t.match(other.json, { code: 400, message: /cannot bind token for serviceaccount "default" to pod running with/ })
  const gone = await requestToken('robot', { boundObjectRef: { ...ref, uid: 'other' } })
  t.match(gone.json, { code: 409, message: /the UID in the bound object reference \(other\) does not match/ })
  const kubelet = await server.authority.client('system:node:n1', ['system:nodes'])
  const byNode = (account: string) =>
    ask(`${accounts}/${account}/token`, { method: 'POST', as: kubelet, body: { spec: { boundObjectRef: ref } } })
  t.equal((await byNode('robot')).status, 201, 'the node of the pod may ask for it')
  t.equal((await byNode('default')).status, 403)
  const { token: fresh } = await requestToken('robot', { boundObjectRef: ref })
  await ask(`${pods}/web`, { method: 'DELETE', body: { gracePeriodSeconds: 0 } })
  t.equal((await whoAmI(fresh)).status, 401)
})

void t.test('a token out of a Secret holds as long as the Secret has it', async t => {
  const account = await ask(`${accounts}/robot`)
  const secrets = '/api/v1/namespaces/default/secrets'
  const name = 'robot-token'
  const claims = {
    iss: 'kubernetes/serviceaccount',
    'kubernetes.io/serviceaccount/namespace': 'default',
    'kubernetes.io/serviceaccount/secret.name': name,
    'kubernetes.io/serviceaccount/service-account.name': 'robot',
    'kubernetes.io/serviceaccount/service-account.uid': uidOf(account.json),
    sub: 'system:serviceaccount:default:robot',
  }
  const token = signToken(readSigningKey(readFileSync(join(server.directory, 'sa.key'), 'utf8')), claims)
  t.equal((await whoAmI(token)).status, 401, 'without the Secret')
  await create(secrets, {
    metadata: { name, annotations: { 'kubernetes.io/service-account.name': 'robot' } },
    type: 'kubernetes.io/service-account-token',
    stringData: { token },
  })
  t.match(await whoAmI(token), { status: 201, user: { username: 'system:serviceaccount:default:robot' } })
})

void t.test('a request for a token is checked', async t => {
  const cases: [spec: unknown, message: RegExp][] = [
    [
      { expirationSeconds: 599 },
      /spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes/,
    ],
    [{ expirationSeconds: 2 ** 33 }, /may not specify a duration larger than 2\^32 seconds/],
    [
      { boundObjectRef: { kind: 'Deployment', apiVersion: 'apps/v1', name: 'x' } },
      /cannot bind token to object of type apps\/v1, Kind=Deployment/,
    ],
    [{ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'x' } }, /secrets "x" not found/],
  ]
  for (const [spec, message] of cases) t.match((await requestToken('robot', spec)).json['message'], message)
  t.equal((await requestToken('no-such')).status, 404)
})

void t.test('a TokenReview says whose a token is, and for which audiences', async t => {
  const review = async (token: string, audiences?: string[]) =>
    (await create('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, audiences } })).json['status']
  const { token } = await requestToken('robot', { audiences: ['vault', issuer] })
  t.match(await review(token), { authenticated: true, audiences: [issuer], user: { username: /robot$/ } })
  t.match(await review(token, ['vault', 'x']), { authenticated: true, audiences: ['vault'] })
  t.match(await review(token, ['x']), {
    error: /token audiences \["vault" .*\] is invalid for the target audiences \["x"\]/,
  })
  t.same(await review('nonsense'), { user: {} })
  const { token: elsewhere } = await requestToken('robot', { audiences: ['vault'] })
  t.equal((await whoAmI(elsewhere)).status, 401, 'a token for somebody else is not for this server')
})

void t.test('the keys are published for service accounts to see', async t => {
  const { token } = await requestToken('robot')
  const configuration = await ask('/.well-known/openid-configuration', bearer(token))
  t.match(configuration.json, {
    issuer,
    jwks_uri: `${issuer}/openid/v1/jwks`,
    id_token_signing_alg_values_supported: ['ES256'],
  })
  const { json, headers } = await ask('/openid/v1/jwks', bearer(token))
  t.equal(headers['content-type'], 'application/jwk-set+json')
  const [jwk] = json['keys'] as [Record<string, string>]
  const pem = String(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }))
  const [key] = readVerificationKeys(pem)
  const decoded = decodeToken(token)
  t.ok(key !== undefined && decoded !== undefined && isSignedBy(decoded, key))
  t.equal(key?.kid, jwk['kid'])
  t.equal((await server.askAnonymously('/openid/v1/jwks')).status, 403)
})

void t.test('tokens of a file are known, and no credentials may be refused altogether', async t => {
  const file = join(server.directory, 'tokens.csv')
  writeFileSync(file, 'secret-1,ann,u1,"dev,ops"\nsecret-2,"bob, jr",u2\n')
  const other = await startTestServer(t, { tokenAuthFile: file, anonymousAuth: false })
  const ask = (token: string) =>
    other.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', { method: 'POST', body: {}, ...bearer(token) })
  t.match((await ask('secret-1')).json, {
    status: { userInfo: { username: 'ann', uid: 'u1', groups: ['dev', 'ops', 'system:authenticated'] } },
  })
  t.match((await ask('secret-2')).json, { status: { userInfo: { username: 'bob, jr' } } })
  t.equal((await other.askAnonymously('/healthz')).status, 401)
  t.throws(() => staticTokens('only-a-token\n', file), { code: 'INVALID_INPUT', message: /line 1/ })
})

void t.test('who acts for somebody must be allowed each thing they say of them', async t => {
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const as = (headers: Record<string, string>, who = server.admin) =>
    ask(path, { method: 'POST', body: {}, headers, as: who })
  t.match(
    (await as({ 'impersonate-user': 'ann', 'impersonate-uid': 'u1', 'impersonate-extra-acme.com%2fproject': 'x' }))
      .json,
    {
      status: {
        userInfo: {
          username: 'ann',
          uid: 'u1',
          groups: ['system:authenticated'],
          extra: { 'acme.com/project': ['x'] },
        },
      },
    },
  )
  t.match((await as({ 'impersonate-user': 'system:serviceaccount:default:robot' })).json, {
    status: {
      userInfo: { groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'] },
    },
  })
  t.equal((await as({ 'impersonate-group': 'x' })).status, 500)
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  const rules = [{ apiGroups: [''], resources: ['users'], resourceNames: ['ann'], verbs: ['impersonate'] }]
  await create(`${rbac}/clusterroles`, { metadata: { name: 'as-ann' }, rules })
  await create(`${rbac}/clusterrolebindings`, {
    metadata: { name: 'as-ann' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'as-ann' },
    subjects: [{ kind: 'User', name: 'proxy' }],
  })
  const proxy = await server.authority.client('proxy', [])
  t.equal((await as({ 'impersonate-user': 'ann' }, proxy)).status, 201)
  t.match(
    (await as({ 'impersonate-user': 'ann', 'impersonate-group': 'dev' }, proxy)).json['message'],
    /^groups "dev" is forbidden/,
  )
  t.match(
    (await as({ 'impersonate-user': 'ann', 'impersonate-extra-scopes': 'all' }, proxy)).json['message'],
    /^userextras.authentication.k8s.io "all" is forbidden: User "proxy" cannot impersonate resource "userextras\/scopes"/,
  )
})

for (const kubectl of installedKubectls())
  void t.test(`${kubectl} makes tokens, and lists what may be done`, async t => {
    const kubeconfig = join(server.directory, 'admin.kubeconfig')
    const data = (text: string) => Buffer.from(text).toString('base64')
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          { name: 'c', cluster: { server: server.url, 'certificate-authority-data': data(server.authority.cert) } },
        ],
        users: [
          {
            name: 'u',
            user: { 'client-certificate-data': data(server.admin.cert), 'client-key-data': data(server.admin.key) },
          },
        ],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    )
    const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: server.directory }
    const run = async (...args: string[]): Promise<string> => (await promisify(execFile)(kubectl, args, { env })).stdout
    const token = (await run('create', 'token', 'robot')).trim()
    t.match(await whoAmI(token), { user: { username: 'system:serviceaccount:default:robot' } })
    t.match(await run('auth', 'can-i', '--list', '--as', 'ann'), /selfsubjectaccessreviews.authorization.k8s.io/)
    t.equal((await run('auth', 'can-i', 'delete', 'nodes')).trim(), 'yes')
    const file = join(server.directory, 'role.json')
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'reconciled' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    }
    writeFileSync(file, JSON.stringify(role))
    t.match(await run('auth', 'reconcile', '-f', file), /clusterrole.rbac.authorization.k8s.io\/reconciled reconciled/)
  })
