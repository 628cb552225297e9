import t from 'tap'
import { configMap } from '../registry/test-registry.ts'
import { type Ask, startTestServer } from './test-server.ts'

const { ask } = await startTestServer(t)
const collection = '/api/v1/namespaces/default/configmaps'
await ask(collection, { method: 'POST', body: configMap('one', { a: '1' }) })

const patch = (type: string, value: unknown): Ask => ({
  method: 'PATCH',
  headers: { 'content-type': `application/${type}` },
  body: Buffer.from(JSON.stringify(value)),
})

const cases: { name: string; query?: string; ask: Ask; status: number; reason?: string; message?: RegExp }[] = [
  { name: 'a JSON patch that is no list', ask: patch('json-patch+json', {}), status: 400 },
  { name: 'a JSON patch of nothing', ask: patch('json-patch+json', [null]), status: 400 },
  {
    name: 'a JSON patch into a prototype',
    ask: patch('json-patch+json', [{ op: 'add', path: '/constructor/prototype/x', value: 1 }]),
    status: 422,
  },
  { name: 'a merge patch that is no object', ask: patch('merge-patch+json', [1]), status: 400 },
  {
    name: 'a merge patch that leaves no ConfigMap',
    ask: patch('merge-patch+json', { data: { a: 5 } }),
    status: 422,
    reason: 'Invalid',
    message:
      /^ "" is invalid: patch: Invalid value: "\{.*\\"a\\":5.*": json: cannot unmarshal number into Go struct field ConfigMap\.data of type string$/,
  },
  {
    name: 'a strategic patch that leaves none',
    ask: patch('strategic-merge-patch+json', { data: { b: null, a: [5] } }),
    status: 422,
    message: /^ "" is invalid: patch: Invalid value: "map\[data:map\[a:\[5\] b:<nil>\]\]": /,
  },
  {
    name: 'an unknown field where patches are strict',
    query: '?fieldValidation=Strict',
    ask: patch('merge-patch+json', { foo: 1 }),
    status: 422,
    message: /^ "" is invalid: patch: Invalid value: ".*": strict decoding error: unknown field "foo"$/,
  },
  { name: 'a strategic patch of a string', ask: patch('strategic-merge-patch+json', 'x'), status: 400 },
  { name: 'a strategic directive', ask: patch('strategic-merge-patch+json', { $patch: 'x' }), status: 400 },
  { name: 'a patch of an unknown type', ask: patch('json', {}), status: 415 },
]
for (const { name, query = '', ask: sent, status, reason, message } of cases)
  void t.test(`refused with ${status}: ${name}`, async t => {
    const reply = await ask(`${collection}/one${query}`, sent)
    t.match(reply, { status, json: { kind: 'Status', status: 'Failure', code: status } }, reply.text)
    if (reason !== undefined) t.equal(reply.json['reason'], reason)
    if (message !== undefined) t.match(reply.json['message'], message)
  })
