import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Conversion } from '../../../../daemons/apiserver/apiextensions/definition.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { makeAuthority } from '../http/test-certificates.ts'
import { definition, specOf, version } from './definitions.ts'
import { definitionsPath, messageOf, startCrdServer } from './crd-server.ts'

const pathOf = (v: string) => `/apis/example.com/${v}/namespaces/default/widgets`
const widget = (v: string, spec: object, name = 'a') => ({
  apiVersion: `example.com/${v}`,
  kind: 'Widget',
  metadata: { name },
  spec,
})

interface Review {
  request: { uid: string; desiredAPIVersion: string; objects: UnknownObject[] }
}

type Convert = (review: Review) => object

/** v1 has `size`, v2 has `length`. */
const renameField: Convert = ({ request }) => ({
  uid: request.uid,
  result: { status: 'Success' },
  convertedObjects: request.objects.map(object => {
    const spec = object['spec'] as { size?: number; length?: number }
    const amount = spec.size ?? spec.length
    const next = request.desiredAPIVersion === 'example.com/v2' ? { length: amount } : { size: amount }
    return {
      ...object,
      apiVersion: request.desiredAPIVersion,
      spec: next,
      metadata: { ...object.metadata, annotations: { converted: 'yes' } },
    }
  }),
})

/** A conversion webhook on a port of its own; what it does can be changed while it runs. */
const startWebhook = async () => {
  const authority = await makeAuthority()
  const { cert, key } = await authority.server(['127.0.0.1'])
  const state = { convert: renameField, reviews: [] as Review[] }
  const server: Server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Review
      state.reviews.push(review)
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          apiVersion: 'apiextensions.k8s.io/v1',
          kind: 'ConversionReview',
          response: state.convert(review),
        }),
      )
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const conversion: Conversion = {
    strategy: 'Webhook',
    webhook: {
      conversionReviewVersions: ['v1'],
      clientConfig: {
        url: `https://127.0.0.1:${port}/convert`,
        caBundle: Buffer.from(authority.cert).toString('base64'),
      },
    },
  }
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { state, conversion, close }
}

const versions = [
  version(specOf({ size: { type: 'integer' } })),
  version(specOf({ length: { type: 'integer' }, unit: { type: 'string', default: 'm' } }), {
    name: 'v2',
    storage: false,
  }),
]

t.test('without a strategy the versions differ by their name, and by what their schemas know', async t => {
  const server = await startCrdServer(t)
  const { ask } = server
  await server.define(definition(versions))
  await ask(pathOf('v1'), { method: 'POST', body: widget('v1', { size: 1 }) })
  t.match((await ask(`${pathOf('v2')}/a`)).json, { apiVersion: 'example.com/v2', spec: { unit: 'm' } })
  t.notMatch((await ask(`${pathOf('v2')}/a`)).json, { spec: { size: 1 } })
  t.match((await ask(pathOf('v2'))).json, { apiVersion: 'example.com/v2', items: [{ apiVersion: 'example.com/v2' }] })
  t.match((await ask('/apis/example.com')).json, { preferredVersion: { version: 'v2' } })
  const migrated = versions.map(one => ({ ...one, storage: one.name === 'v2' }))
  const crd = await server.patch(`${definitionsPath}/widgets.example.com`, { spec: { versions: migrated } })
  t.match(crd.json, { status: { storedVersions: ['v1', 'v2'] } })
  const early = await server.patch(`${definitionsPath}/widgets.example.com`, { spec: { versions: [migrated[1]] } })
  t.match(messageOf(early), 'v1 was previously a storage version')
  await server.patch(`${definitionsPath}/widgets.example.com/status`, { status: { storedVersions: ['v2'] } })
  const late = await server.patch(`${definitionsPath}/widgets.example.com`, { spec: { versions: [migrated[1]] } })
  t.equal(late.status, 200)
  t.equal((await ask(`${pathOf('v1')}/a`)).status, 404)
  t.equal((await ask(`${pathOf('v2')}/a`)).status, 200)
})

t.test('a webhook converts what is read, written, listed and watched', async t => {
  const webhook = await startWebhook()
  t.teardown(webhook.close)
  const server = await startCrdServer(t)
  const { ask, patch } = server
  await server.define(definition(versions, { conversion: webhook.conversion }))
  await ask(pathOf('v1'), { method: 'POST', body: widget('v1', { size: 1 }) })
  t.equal(webhook.state.reviews.length, 0, 'the version that is stored is converted by nobody')
  t.match((await ask(`${pathOf('v2')}/a`)).json, {
    apiVersion: 'example.com/v2',
    spec: { length: 1, unit: 'm' },
    metadata: { annotations: { converted: 'yes' } },
  })
  const made = await ask(pathOf('v2'), { method: 'POST', body: widget('v2', { length: 5 }, 'b') })
  t.equal(made.status, 201)
  t.match((await ask(`${pathOf('v1')}/b`)).json, { spec: { size: 5 } })
  t.match((await patch(`${pathOf('v2')}/b`, { spec: { length: 6 } })).json, { spec: { length: 6 } })
  t.match((await ask(`${pathOf('v1')}/b`)).json, { spec: { size: 6 } })
  for (const name of ['c', 'd']) await ask(pathOf('v1'), { method: 'POST', body: widget('v1', { size: 9 }, name) })
  webhook.state.reviews.length = 0
  const list = await ask(pathOf('v2'))
  t.same(
    (list.json['items'] as { spec: object }[]).map(({ spec }) => spec),
    [1, 6, 9, 9].map(length => ({ length, unit: 'm' })),
  )
  t.equal(webhook.state.reviews.length, 1, 'a list is one request')
  const watch = await ask(`${pathOf('v2')}?watch=1&timeoutSeconds=1`)
  const events = watch.text.trim().split('\n')
  t.equal(events.length, 4)
  t.match(JSON.parse(events[0] ?? ''), { type: 'ADDED', object: { apiVersion: 'example.com/v2', spec: { length: 1 } } })
  const gone = await ask(`${pathOf('v2')}/b`, { method: 'DELETE' })
  t.equal(gone.status, 200)
})

t.test('what a webhook may not do is told', async t => {
  const webhook = await startWebhook()
  t.teardown(webhook.close)
  const server = await startCrdServer(t)
  const { ask } = server
  await server.define(definition(versions, { conversion: webhook.conversion }))
  await ask(pathOf('v1'), { method: 'POST', body: widget('v1', { size: 1 }) })
  const answer =
    (change: (object: UnknownObject, review: Review) => unknown): Convert =>
    review => ({
      uid: review.request.uid,
      result: { status: 'Success' },
      convertedObjects: review.request.objects.map(object => change(object, review)),
    })
  const cases: { name: string; convert: Convert; says: RegExp | string }[] = [
    {
      name: 'it fails',
      convert: ({ request }) => ({ uid: request.uid, result: { status: 'Failed', message: 'no idea' } }),
      says: 'conversion webhook for example.com/v1, Kind=Widget failed: no idea',
    },
    {
      name: 'it answers another request',
      convert: () => ({ uid: 'x', result: { status: 'Success' }, convertedObjects: [] }),
      says: /expected response.uid="[^"]+", got "x"/,
    },
    {
      name: 'it loses objects',
      convert: ({ request }) => ({ uid: request.uid, result: { status: 'Success' }, convertedObjects: [] }),
      says: 'conversion webhook for example.com/v1, Kind=Widget returned 0 objects, expected 1',
    },
    {
      name: 'it leaves the version',
      convert: answer(object => object),
      says: /invalid groupVersion \(expected example.com\/v2, received example.com\/v1\)/,
    },
    {
      name: 'it renames the object',
      convert: answer((object, { request }) => ({
        ...object,
        apiVersion: request.desiredAPIVersion,
        metadata: { ...object.metadata, name: 'other' },
      })),
      says: /metadata.name: must not be changed/,
    },
  ]
  for (const { name, convert, says } of cases) {
    webhook.state.convert = convert
    const reply = await ask(`${pathOf('v2')}/a`)
    t.equal(reply.status, 500, name)
    t.match(messageOf(reply), says, name)
  }
  webhook.close()
  const unreachable = await ask(`${pathOf('v2')}/a`)
  t.equal(unreachable.status, 500)
  t.match(messageOf(unreachable), /failed: Post "https:\/\/127.0.0.1:\d+\/convert\?timeout=30s": /)
})
