import t from 'tap'
import type { Secret } from 'kubernetes-types/core/v1.js'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { FakeImages } from '../../../../host/container-engine-fake.ts'
import { ImagePuller } from '../../../../daemons/kubelet/images/image-puller.ts'
import { defaultPullPolicy, parseImageReference } from '../../../../daemons/kubelet/images/image-reference.ts'
import { registryAuth } from '../../../../daemons/kubelet/images/pull-secrets.ts'
import { BackOff } from '../../../../daemons/kubelet/sync/back-off.ts'
import { localPod } from '../../../../daemons/kubelet/sync/local-pod.ts'

for (const { text, registry, repository, tag } of [
  { text: 'nginx', registry: 'docker.io', repository: 'library/nginx', tag: undefined },
  { text: 'a/b:1', registry: 'docker.io', repository: 'a/b', tag: '1' },
  { text: 'localhost:5000/x:y', registry: 'localhost:5000', repository: 'x', tag: 'y' },
  { text: 'r.example/a/b__c-d:v1.2', registry: 'r.example', repository: 'a/b__c-d', tag: 'v1.2' },
])
  void t.test(`${text} is ${repository} of ${registry}`, async t =>
    t.match(parseImageReference(text), { registry, repository, tag }),
  )

for (const text of ['', 'UPPER', 'a b', 'x:', ':x', 'a//b', 'Up/low'])
  void t.test(`${JSON.stringify(text)} is no image`, async t =>
    t.throws(() => parseImageReference(text), { code: 'INVALID_INPUT' }),
  )

void t.test('the policy by default is Always for latest and no tag', async t => {
  t.equal(defaultPullPolicy('x'), 'Always')
  t.equal(defaultPullPolicy('x:latest'), 'Always')
  t.equal(defaultPullPolicy('x:1'), 'IfNotPresent')
})

const secretOf = (auths: object): Secret => ({
  data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
})

void t.test('credentials are of the registry, the longest path first', async t => {
  const secret = secretOf({
    'https://index.docker.io/v1/': { username: 'hub', password: 'h' },
    'r.example': { auth: Buffer.from('one:p:q').toString('base64') },
    'r.example/team': { username: 'two', password: 't' },
  })
  const of = (image: string) => registryAuth(parseImageReference(image), [secret])
  t.match(of('nginx'), { username: 'hub', password: 'h' })
  t.match(of('r.example/x'), { username: 'one', password: 'p:q' })
  t.match(of('r.example/team/x'), { username: 'two' })
  t.match(of('r.example/teamx'), { username: 'one' })
  t.equal(of('other.example/x'), undefined)
  t.equal(registryAuth(parseImageReference('x'), [{ data: { '.dockerconfigjson': 'e30' } }]), undefined)
})

const pod = localPod({
  metadata: { name: 'p', namespace: 'n', uid: 'u' },
  spec: { containers: [{ name: 'app' }], imagePullSecrets: [{ name: 's' }] },
})
const setUp = () => {
  const images = new FakeImages('here:1')
  const clock = new FakeClock()
  const source = {
    configMap: async () => undefined,
    secret: async () => secretOf({ 'r.example': { username: 'u', password: 'p' } }),
  }
  const puller = new ImagePuller({ images, source, clock })
  const said: string[] = []
  const ensure = (image: string, imagePullPolicy?: 'Always' | 'Never' | 'IfNotPresent') =>
    puller.ensure(
      pod,
      { name: 'app', image, ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }) },
      (_, reason, message) => said.push(`${reason}: ${message}`),
      new AbortController().signal,
    )
  return { images, clock, said, ensure }
}

void t.test('an image that is there is not pulled', async t => {
  const { ensure, said, images } = setUp()
  t.match(await ensure('here:1'), { kind: 'present' })
  t.same(said, ['Pulled: Container image "here:1" already present on machine'])
  t.same(images.pulls, [])
})

void t.test('a pull takes the credentials of its registry', async t => {
  const { ensure, images, said } = setUp()
  images.registry.add('r.example/x:1')
  t.match(await ensure('r.example/x:1'), { kind: 'present' })
  t.match(images.pulls[0]?.auth, { username: 'u' })
  t.match(said, ['Pulling: Pulling image "r.example/x:1"', /^Pulled: Successfully pulled image/])
})

void t.test('Never and bad names have reasons of their own', async t => {
  const { ensure } = setUp()
  // With a time to look again: without one, the pod's worker would ask in a circle.
  t.match(await ensure('gone:1', 'Never'), { reason: 'ErrImageNeverPull', retryAtMs: Number })
  t.match(await ensure('BAD'), {
    reason: 'InvalidImageName',
    message: /^Failed to apply default image tag "BAD": /,
    retryAtMs: Number,
  })
})

void t.test('a failed pull backs off: ErrImagePull, ImagePullBackOff until the time is up, then a try', async t => {
  const { ensure, clock, images, said } = setUp()
  t.match(await ensure('gone:1'), { reason: 'ErrImagePull', message: 'manifest for gone:1 not found' })
  t.match(await ensure('gone:1'), {
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "gone:1": ErrImagePull: manifest for gone:1 not found',
    retryAtMs: clock.now() + 10_000,
  })
  t.equal(images.pulls.length, 1)
  await clock.advance(10_000)
  t.match(await ensure('gone:1'), { reason: 'ErrImagePull' })
  t.match(await ensure('gone:1'), { retryAtMs: clock.now() + 20_000 })
  t.ok(said.includes('Failed: Failed to pull image "gone:1": manifest for gone:1 not found'))
})

void t.test('the back-off doubles to its bound and forgets after a quiet time', async t => {
  const backOff = new BackOff(10, 40)
  t.equal(backOff.until('k', 0), undefined)
  for (const [at, delayMs] of [
    [0, 10],
    [10, 20],
    [30, 40],
    [70, 40],
  ] as const) {
    backOff.next('k', at, at)
    t.same(backOff.until('k', at), { untilMs: at + delayMs, delayMs })
  }
  t.equal(backOff.until('k', 70 + 81), undefined)
  backOff.forget('k')
  t.equal(backOff.until('k', 70), undefined)
})
