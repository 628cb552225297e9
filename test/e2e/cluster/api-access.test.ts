import t from 'tap'
import { curlImage, makeCurlImage } from './curl-image.ts'
import { eventually, kubectl, ok, run, skiff } from './skiff.ts'

const access = '/var/run/secrets/kubernetes.io/serviceaccount'
const pod = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'c', image: curlImage, imagePullPolicy: 'Never', command: ['sleep', '1000'] }],
    ...spec,
  },
})
const account = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name },
  ...more,
})
const role = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'pod-reader' },
  rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
}
const binding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'pod-reader' },
  subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }],
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pod-reader' },
}
const pods = [
  pod('plain'),
  pod('robot', { serviceAccountName: 'robot' }),
  pod('denied', { automountServiceAccountToken: false }),
  pod('shy', { serviceAccountName: 'shy' }),
]
const apply = (items: object[]) =>
  ok(kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) }))
const inPod = (name: string, script: string) => ok(kubectl(['exec', name, '--', 'sh', '-c', script]))

/** What the API answers to a program in a pod that has nothing but what was mounted: status, then body. */
const ask = async (name: string, path: string, flags = '', token = `$(cat ${access}/token)`) => {
  const authorization = `-H "Authorization: Bearer ${token}"`
  const said = await inPod(
    name,
    `curl -sS -m 10 --cacert ${access}/ca.crt ${authorization} ${flags} -w '\\n%{http_code}' https://kubernetes.default.svc${path}`,
  )
  const cut = said.lastIndexOf('\n')
  return { status: Number(said.slice(cut + 1)), body: JSON.parse(said.slice(0, cut)) as Record<string, unknown> }
}

const tokensIssued = async (): Promise<number> => {
  const metrics = await ok(kubectl(['get', '--raw', '/metrics']))
  return [...metrics.matchAll(/^apiserver_request_total\{(.*)\} (\d+)$/gm)]
    .filter(([, labels = '']) => /resource="serviceaccounts"/.test(labels) && /subresource="token"/.test(labels))
    .reduce((sum, [, , count]) => sum + Number(count), 0)
}

t.test('a program in a pod reaches the API with what is mounted', { timeout: 300_000 }, async t => {
  await skiff(['down'])
  t.teardown(async () => {
    await run('docker', ['rmi', curlImage])
    await skiff(['down'])
  })
  await ok(skiff(['up']))
  await makeCurlImage()
  const issuedBefore = await tokensIssued()
  await apply([account('robot'), account('shy', { automountServiceAccountToken: false }), role, binding, ...pods])
  await ok(kubectl(['wait', '--for=condition=Ready', 'pods', '--all', '--timeout=60s'], { timeoutMs: 70_000 }))

  await t.test('one token is asked for by a pod that wants one', async t => {
    t.equal((await tokensIssued()) - issuedBefore, 2)
  })

  await t.test("the namespace is the pod's, and the certificate is the cluster's", async t => {
    t.equal(await inPod('plain', `cat ${access}/namespace`), 'default')
    const published = await ok(kubectl(['get', 'configmap', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}']))
    t.equal(await inPod('plain', `cat ${access}/ca.crt`), published)
  })

  await t.test('the token says who asks, and from which pod', async t => {
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' })
    const post = `-H 'Content-Type: application/json' -d '${body}'`
    const { status, body: review } = await ask('robot', '/apis/authentication.k8s.io/v1/selfsubjectreviews', post)
    t.equal(status, 201)
    t.match(review, {
      status: {
        userInfo: {
          username: 'system:serviceaccount:default:robot',
          groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
          extra: { 'authentication.kubernetes.io/pod-name': ['robot'] },
        },
      },
    })
  })

  await t.test('an account may do what a Role gives it, and nothing else', async t => {
    const list = '/api/v1/namespaces/default/pods'
    const { status, body } = await ask('robot', list)
    t.equal(status, 200)
    t.equal((body['items'] as unknown[]).length, pods.length)
    t.equal((await ask('robot', '/api/v1/namespaces/default/secrets')).status, 403)
    t.match(await ask('plain', list), {
      status: 403,
      body: {
        message:
          'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"',
      },
    })
    t.equal((await ask('robot', list, '', 'nonsense')).status, 401)
  })

  await t.test('nothing is mounted where the pod or its account says no', async t => {
    for (const name of ['denied', 'shy']) {
      const said = await kubectl(['exec', name, '--', 'ls', access])
      t.not(said.code, 0, name)
      t.match(said.err, /No such file or directory/)
    }
  })

  await t.test('a token ends with its pod', async t => {
    const token = await inPod('robot', `cat ${access}/token`)
    const path = '/api/v1/namespaces/default/pods'
    t.equal((await ask('plain', path, '', token)).status, 200)
    await ok(kubectl(['delete', 'pod', 'robot', '--now']))
    // What was found out about a token is kept for ten seconds.
    const { status } = await eventually(
      () => ask('plain', path, '', token),
      answer => answer.status === 401,
    )
    t.equal(status, 401)
  })
})
