import t from 'tap'
import type { KubeClient, WriteOptions } from '../../../../kube/client/client.ts'
import { FakeClient } from '../../../../kube/client/fake-client.ts'
import type { KubeObject } from '../../../../kube/object.ts'
import type { Resource } from '../../../../kube/resource.ts'
import { localPod } from '../../../../daemons/kubelet/sync/local-pod.ts'
import { payloadOf } from '../../../../daemons/kubelet/volumes/payload.ts'
import { PodTokens } from '../../../../daemons/kubelet/volumes/pod-tokens.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { apiError } from '../../../../kube/status.ts'

const pod = localPod({
  metadata: { name: 'web', namespace: 'n', uid: 'u' },
  spec: { serviceAccountName: 'robot', containers: [{ name: 'app' }] },
})

/** An API that gives numbered tokens of the length that is asked for, unless it is down. */
class TokenClient extends FakeClient {
  readonly asked: { name: string | undefined; subresource: string | undefined; spec: unknown }[] = []
  down = false
  readonly #clock: FakeClock
  constructor(clock: FakeClock) {
    super()
    this.#clock = clock
  }
  override async create<T extends KubeObject>(_: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    if (this.down) throw apiError('ServiceUnavailable', 'down')
    const { spec } = object as unknown as { spec: { expirationSeconds: number } }
    this.asked.push({ name: options.name, subresource: options.subresource, spec })
    const expirationTimestamp = new Date(this.#clock.now() + spec.expirationSeconds * 1000).toISOString()
    return { ...object, status: { token: `token-${this.asked.length}`, expirationTimestamp } }
  }
}

const make = () => {
  const clock = new FakeClock()
  const client = new TokenClient(clock)
  const failures: unknown[] = []
  const stop = new AbortController()
  const options = { clock, signal: stop.signal, onError: (error: unknown) => failures.push(error) }
  const tokens = new PodTokens(client satisfies KubeClient, options)
  let changes = 0
  tokens.follow('u', () => changes++)
  return { clock, client, failures, tokens, changes: () => changes }
}
const wanted = { path: 'token', audience: 'vault', expirationSeconds: 1000 }

t.test('a token is asked for in the name of the pod, and kept', async t => {
  const { client, tokens } = make()
  t.equal(await tokens.token(pod, wanted), 'token-1')
  t.equal(await tokens.token(pod, wanted), 'token-1')
  t.same(client.asked, [
    {
      name: 'robot',
      subresource: 'token',
      spec: {
        audiences: ['vault'],
        expirationSeconds: 1000,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'u' },
      },
    },
  ])
  t.equal(await tokens.token(pod, { path: 'other' }), 'token-2', 'another audience is another token')
})

t.test('after four fifths of its time whoever follows is told, and the next one is new', async t => {
  const { clock, tokens, changes } = make()
  await tokens.token(pod, wanted)
  await clock.advance(799_000)
  t.equal(changes(), 0)
  await clock.advance(2_000)
  t.equal(changes(), 1)
  t.equal(await tokens.token(pod, wanted), 'token-2')
})

t.test('a token that cannot be replaced is used until it ends, and tried again', async t => {
  const { clock, client, failures, tokens, changes } = make()
  await tokens.token(pod, wanted)
  client.down = true
  await clock.advance(801_000)
  t.equal(await tokens.token(pod, wanted), 'token-1')
  t.equal(failures.length, 1)
  await clock.advance(11_000)
  t.equal(changes(), 2)
  await clock.advance(200_000)
  await t.rejects(tokens.token(pod, wanted), /down/)
})

t.test('of a pod that is gone nothing is kept, and nobody is told', async t => {
  const { clock, tokens, changes } = make()
  await tokens.token(pod, wanted)
  tokens.forget('u')
  await clock.advance(900_000)
  t.equal(changes(), 0)
  t.equal(await tokens.token(pod, wanted), 'token-2')
})

t.test('a projected volume holds the token in a file', async t => {
  const { tokens } = make()
  const source = { configMap: async () => undefined, secret: async () => undefined }
  const facts = {
    nodeName: 'n',
    hostIP: '',
    podIP: '',
    allocatable: { cpuMilli: 1, memoryBytes: 1, ephemeralStorageBytes: 1 },
  }
  const volume = { name: 'v', projected: { sources: [{ serviceAccountToken: wanted }] } }
  const files = await payloadOf(volume, { pod, facts, source, tokens })
  t.equal(files?.get('token')?.content.toString(), 'token-1')
})
