import t from 'tap'
import { patchOf, startWebhookServer } from '../admission/webhook-server.ts'
import { startTestServer } from './test-server.ts'

const pods = '/api/v1/namespaces/default/pods'
const configMaps = '/api/v1/namespaces/default/configmaps'
const pod = (spec: object = {}) => ({
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'a', image: 'busybox:1' }], ...spec },
})

void t.test('webhooks are configured, called and counted over HTTP', async t => {
  const { ask, authority } = await startTestServer(t)
  const hook = await startWebhookServer(t, authority, {
    answers: {
      '/label': () => patchOf({ op: 'add', path: '/metadata/labels', value: { hooked: 'yes' } }),
      '/check': ({ name }) => ({
        allowed: name !== 'bad',
        status: { code: 403, message: 'no bad names' },
        warnings: ['have a look at the docs'],
      }),
      '/connect': () => ({ allowed: false, status: { message: 'nobody gets in' } }),
    },
  })
  const webhook = (name: string, path: string, rule: object) => ({
    name: `${name}.example.com`,
    clientConfig: { url: hook.url(path), caBundle: hook.caBundle },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], ...rule }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  })
  const root = '/apis/admissionregistration.k8s.io/v1'
  const creates = { operations: ['CREATE'], resources: ['configmaps'] }
  const made = await ask(`${root}/mutatingwebhookconfigurations`, {
    method: 'POST',
    body: { metadata: { name: 'm' }, webhooks: [webhook('label', '/label', creates)] },
  })
  t.equal(made.status, 201, made.text)
  const connects = { operations: ['CONNECT'], resources: ['pods/exec'] }
  const checks = [webhook('check', '/check', creates), webhook('connect', '/connect', connects)]
  await ask(`${root}/validatingwebhookconfigurations`, {
    method: 'POST',
    body: { metadata: { name: 'v' }, webhooks: checks },
  })
  const good = await ask(`${configMaps}?fieldManager=me`, { method: 'POST', body: { metadata: { name: 'good' } } })
  t.equal(good.status, 201)
  t.match(good.json, { metadata: { labels: { hooked: 'yes' } } })
  t.match(good.headers['warning'], '299 - "have a look at the docs"')
  t.match(hook.seen[0], { options: { kind: 'CreateOptions', fieldManager: 'me' } })
  const bad = await ask(configMaps, { method: 'POST', body: { metadata: { name: 'bad' } } })
  t.equal(bad.status, 403)
  t.match(bad.json, { message: 'admission webhook "check.example.com" denied the request: no bad names' })
  t.match(bad.headers['warning'], '299 - "have a look at the docs"', 'a refusal warns as well')
  await ask(pods, { method: 'POST', body: pod() })
  const exec = await ask(`${pods}/web/exec?command=ls`, { method: 'POST' })
  t.match(exec.json, { message: 'admission webhook "connect.example.com" denied the request: nobody gets in' })
  const { text } = await ask('/metrics')
  t.match(
    text,
    /apiserver_admission_webhook_rejection_count\{name="check\.example\.com",type="validating",operation="CREATE",error_type="no_error",rejection_code="403"\} 1/,
  )
})

void t.test('a namespace holds its pods to the pod security standards', async t => {
  const { ask } = await startTestServer(t)
  const label = (labels: Record<string, string>) =>
    ask('/api/v1/namespaces/default', {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { metadata: { labels } },
    })
  await label({ 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/warn': 'restricted' })
  const refused = await ask(pods, { method: 'POST', body: pod({ hostNetwork: true }) })
  t.equal(refused.status, 403)
  t.match(refused.json, {
    message: 'pods "web" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
  })
  const warned = await ask(pods, { method: 'POST', body: pod() })
  t.equal(warned.status, 201)
  t.match(warned.headers['warning'], /would violate PodSecurity/)
  t.equal((await label({ 'pod-security.kubernetes.io/enforce': 'strict' })).status, 422)
})

void t.test('plugins are switched on and off by flags', async t => {
  const { ask } = await startTestServer(t, {
    enableAdmissionPlugins: ['AlwaysPullImages'],
    disableAdmissionPlugins: ['DefaultTolerationSeconds'],
  })
  const { json } = await ask(pods, { method: 'POST', body: pod() })
  const spec = json['spec'] as { tolerations?: unknown; containers: { imagePullPolicy: string }[] }
  t.equal(spec.containers[0]?.imagePullPolicy, 'Always')
  t.equal(spec.tolerations, undefined)
})
