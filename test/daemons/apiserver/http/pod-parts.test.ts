import t from 'tap'
import { pod as sample } from '../kinds/sample-objects.ts'
import { startTestServer, type Ask } from './test-server.ts'

const pods = '/api/v1/namespaces/default/pods'
const pod = (name: string) => {
  const object = sample({}, { metadata: { name, namespace: 'default' } })
  return { ...object, spec: object['spec'] as { containers: object[] } }
}
const strategic = (body: object): Ask => ({
  method: 'PATCH',
  headers: { 'content-type': 'application/strategic-merge-patch+json' },
  body,
})
const debug = (containers: object[]): Ask => strategic({ spec: { ephemeralContainers: containers } })

t.test('parts of pods', async t => {
  const { ask } = await startTestServer(t)
  await ask(pods, { method: 'POST', body: pod('web') })
  const url = `${pods}/web/ephemeralcontainers`

  t.test('a debug container is added through its own endpoint, with defaults, and counts as a change', async t => {
    const reply = await ask(url, debug([{ name: 'debug', image: 'busybox:1.36', targetContainerName: 'main' }]))
    t.equal(reply.status, 200, reply.text)
    t.match(reply.json, {
      metadata: { generation: 2 },
      spec: {
        ephemeralContainers: [{ name: 'debug', imagePullPolicy: 'IfNotPresent', terminationMessagePolicy: 'File' }],
      },
    })
    t.match((await ask(url)).json, { kind: 'Pod', spec: { ephemeralContainers: [{ name: 'debug' }] } })
  })

  t.test('everything else in such a write is left alone', async t => {
    const body = {
      metadata: { labels: { a: 'b' } },
      spec: { ephemeralContainers: [{ name: 'two', image: 'busybox:1.36' }] },
    }
    const { json } = await ask(url, strategic(body))
    t.notMatch(json, { metadata: { labels: { a: 'b' } } })
    t.equal((json['spec'] as { ephemeralContainers: object[] }).ephemeralContainers.length, 2)
  })

  t.test('what is there stays, and gets nothing a service relies on', async t => {
    const change = await ask(url, debug([{ name: 'debug', image: 'other:1' }]))
    t.equal(change.status, 422)
    t.match(change.json['message'], 'existing ephemeral containers "debug" may not be changed')
    const wrong = [{ name: 'main', image: 'busybox:1.36', ports: [{ containerPort: 80 }], targetContainerName: 'none' }]
    const causes = ((await ask(url, debug(wrong))).json['details'] as { causes: { field: string }[] }).causes
    t.same(causes.map(({ field }) => field).sort(), [
      'spec.ephemeralContainers[0].name',
      'spec.ephemeralContainers[0].ports',
      'spec.ephemeralContainers[0].targetContainerName',
    ])
  })

  t.test('a pod with debug containers can still be changed otherwise', async t => {
    t.equal((await ask(`${pods}/web`, strategic({ metadata: { labels: { x: 'y' } } }))).status, 200)
    const made = {
      ...pod('born'),
      spec: { ...pod('born').spec, ephemeralContainers: [{ name: 'd', image: 'b' }] },
    }
    t.match((await ask(pods, { method: 'POST', body: made })).json['message'], 'cannot be set on create')
  })

  const sized = (requests: object, limits: object = {}) =>
    strategic({ spec: { containers: [{ name: 'main', resources: { requests, limits } }] } })
  t.test('a running pod is resized through its own endpoint', async t => {
    const body = pod('sized')
    const [container] = body.spec.containers
    const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } }
    await ask(pods, { method: 'POST', body: { ...body, spec: { containers: [{ ...container, resources }] } } })
    const direct = await ask(`${pods}/sized`, sized({ cpu: '200m' }))
    t.equal(direct.status, 422)
    const reply = await ask(`${pods}/sized/resize`, sized({ cpu: '200m' }))
    t.equal(reply.status, 200, reply.text)
    t.match(reply.json, { spec: { containers: [{ resources: { requests: { cpu: '200m', memory: '64Mi' } } }] } })
    for (const [requests, limits, message] of [
      [{ cpu: null }, {}, 'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed'],
      [{ cpu: '200m', memory: '128Mi' }, { cpu: '200m' }, 'Pod QOS Class may not change as a result of resizing'],
      [{ 'ephemeral-storage': '1Gi' }, {}, 'only cpu and memory resources are mutable'],
      [{ memory: '256Mi' }, {}, 'must be less than or equal to memory limit of 128Mi'],
    ] as const) {
      const refused = await ask(`${pods}/sized/resize`, sized(requests, limits))
      t.equal(refused.status, 422, message)
      t.ok(String(refused.json['message']).includes(message), String(refused.json['message']))
    }
  })

  t.test('what is valid and probably not meant so is told of', async t => {
    const env = [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
    ]
    const body = pod('odd')
    const [container] = body.spec.containers
    const spec = {
      containers: [{ ...container, env, resources: { limits: { memory: '100m' } } }],
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      terminationGracePeriodSeconds: -1,
    }
    const reply = await ask(pods, { method: 'POST', body: { ...body, spec } })
    t.equal(reply.status, 201, reply.text)
    const warnings = String(reply.headers['warning'])
    for (const text of [
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \\"kubernetes.io/os\\" instead',
      'spec.containers[0].resources.limits[memory]: fractional byte value \\"100m\\" is invalid, must be an integer',
      'spec.containers[0].env[1]: hides previous definition of \\"A\\", which may be dropped when using apply',
      'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    ])
      t.ok(warnings.includes(`299 - "${text}"`), `${text} in ${warnings}`)
  })
})
