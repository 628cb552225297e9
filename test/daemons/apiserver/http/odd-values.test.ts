import fc from 'fast-check'
import t from 'tap'
import { isJsonObject } from '../../../../kube/patch/json-value.ts'
import { startTestServer } from './test-server.ts'

const { ask } = await startTestServer(t)

const container = {
  name: 'c',
  image: 'i',
  env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
  ports: [{ containerPort: 80 }],
  volumeMounts: [{ name: 'v', mountPath: '/v' }],
  resources: { limits: { cpu: '1' } },
  readinessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'A', value: 'b' }] } },
}
const spec = {
  containers: [container],
  volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'c', items: [{ key: 'k', path: 'p' }] } }] } }],
  tolerations: [{ operator: 'Exists' }],
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z' }] } },
}
const metadata = (name: string) => ({ name, labels: { a: 'b' }, finalizers: ['a.b/c'], ownerReferences: [{ apiVersion: 'v1', kind: 'K', name: 'n', uid: 'u' }] }) // prettier-ignore
const schema = { type: 'object', properties: { a: { type: 'array', items: { type: 'string', enum: ['x'] } } } }

const objects: { path: string; name: string; object: object }[] = [
  {
    path: '/api/v1/namespaces/default/pods',
    name: 'p',
    object: { apiVersion: 'v1', kind: 'Pod', metadata: metadata('p'), spec },
  },
  {
    path: '/apis/apps/v1/namespaces/default/statefulsets',
    name: 's',
    object: {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: metadata('s'),
      spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec } },
    },
  },
  {
    path: '/api/v1/namespaces/default/services',
    name: 'v',
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('v'),
      spec: { ports: [{ port: 80, targetPort: 'http' }], selector: { a: 'b' }, externalIPs: ['1.2.3.4'] },
    },
  },
  {
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    name: 'as.b.c',
    object: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'as.b.c' },
      spec: {
        group: 'b.c',
        scope: 'Cluster',
        names: { plural: 'as', kind: 'A' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    },
  },
]

type Step = string | number
const placesOf = (value: unknown, at: Step[] = []): Step[][] => {
  const inner = Array.isArray(value) ? [...value.entries()] : isJsonObject(value) ? Object.entries(value) : []
  return [...(at.length === 0 ? [] : [at]), ...inner.flatMap(([step, below]) => placesOf(below, [...at, step]))]
}
const put = (value: unknown, [step, ...rest]: Step[], odd: unknown): unknown => {
  if (step === undefined) return odd
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<Step, unknown>
  copy[step] = put(copy[step], rest, odd)
  return copy
}
/** An object or a list of one item that leads to the odd value, as a patch has it. */
const lead = (at: Step[], odd: unknown): unknown =>
  at.reduceRight<unknown>((below, step) => (typeof step === 'number' ? [below] : { [step]: below }), odd)

const odd = fc.constantFrom<unknown>(
  null, [], {}, '', 'x', '\0', 0, -1, 1.5, 1e21, true, [null], [[]], [{}], [1, 'a'], { a: null }, { '': '' },
  JSON.parse('{"__proto__":{"a":1}}'), { $patch: 'delete' }, [{ $patch: 'replace' }], { $retainKeys: 1 },
) // prettier-ignore
const places = objects.flatMap(row => placesOf(row.object).map(at => ({ ...row, at })))

for (const { path, object } of objects) await ask(path, { method: 'POST', body: object })

void t.test('a value that does not belong there is refused or read as something, wherever it stands', async t => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), odd, async ({ path, object, at }, value) => {
      const reply = await ask(`${path}?dryRun=All`, { method: 'POST', body: put(object, at, value) })
      if (reply.status >= 500) throw new Error(`${at.join('.')}: ${reply.text}`)
    }),
    { numRuns: 200 },
  )
  t.equal((await ask('/readyz')).status, 200)
})

void t.test('so is one in a patch', async t => {
  const types = fc.constantFrom('merge-patch+json', 'strategic-merge-patch+json', 'json-patch+json')
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), odd, types, async ({ path, name, at }, value, type) => {
      const body = type === 'json-patch+json' ? [{ op: 'add', path: `/${at.join('/')}`, value }] : lead(at, value)
      const headers = { 'content-type': `application/${type}` }
      const reply = await ask(`${path}/${name}?dryRun=All`, { method: 'PATCH', headers, body })
      if (reply.status >= 500) throw new Error(`${type} ${at.join('.')}: ${reply.text}`)
    }),
    { numRuns: 200 },
  )
  t.equal((await ask('/readyz')).status, 200)
})
