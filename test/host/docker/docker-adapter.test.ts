import t from 'tap'
import { dockerError } from '../../../host/docker/docker-errors.ts'
import { eventOf } from '../../../host/docker/docker-engine.ts'
import { pullErrorCode, splitTag } from '../../../host/docker/docker-images.ts'
import { containerOf, createOptionsOf } from '../../../host/docker/docker-spec.ts'
import { appletsOf } from '../../../host/docker/local-images.ts'
import { tarStream } from '../../../host/docker/tar-stream.ts'
import { FakeImages } from '../../../host/container-engine-fake.ts'
import type { ContainerInspectInfo } from 'dockerode'

for (const { name, error, code } of [
  { name: '404 is NOT_FOUND', error: { statusCode: 404 }, code: 'NOT_FOUND' },
  { name: '409 is CONFLICT', error: { statusCode: 409 }, code: 'CONFLICT' },
  { name: '400 is INVALID_INPUT', error: { statusCode: 400 }, code: 'INVALID_INPUT' },
  { name: '500 is COMMAND_FAILED', error: { statusCode: 500 }, code: 'COMMAND_FAILED' },
  { name: 'a socket that is not there is UNAVAILABLE', error: { code: 'ENOENT' }, code: 'UNAVAILABLE' },
])
  void t.test(name, async t => t.match(dockerError(error, 'x'), { code }))

void t.test('an aborted call throws the reason of its signal', async t => {
  const stop = new AbortController()
  const reason = new Error('enough')
  stop.abort(reason)
  t.equal(dockerError({ statusCode: 404 }, 'x', stop.signal), reason)
})

for (const { message, code } of [
  { message: 'manifest for x:1 not found: manifest unknown', code: 'NOT_FOUND' },
  { message: 'pull access denied for x, repository does not exist or may require login', code: 'NOT_FOUND' },
  { message: 'unauthorized: authentication required', code: 'PERMISSION_DENIED' },
  { message: 'dial tcp 127.0.0.1:1: connect: connection refused', code: 'UNAVAILABLE' },
])
  void t.test(`a pull that ends in "${message}" is ${code}`, async t => t.equal(pullErrorCode(message), code))

void t.test('the tag of an image is after the last colon that follows the last slash', async t => {
  t.same(splitTag('localhost:5000/a/b:c'), ['localhost:5000/a/b', 'c'])
  t.same(splitTag('localhost:5000/a'), ['localhost:5000/a', 'latest'])
})

void t.test('events: kinds of ours, others dropped, a torn line is UNAVAILABLE', async t => {
  const line = (Action: string) => JSON.stringify({ Action, Actor: { ID: 'a', Attributes: { l: '1' } } })
  t.same(eventOf(line('die')), { kind: 'died', containerId: 'a', labels: { l: '1' } })
  t.equal(eventOf(line('exec_start')), undefined)
  t.throws(() => eventOf('{"Act'), { code: 'UNAVAILABLE' })
})

const spec = {
  name: 'n',
  image: 'i',
  env: [{ name: 'A', value: 'b=c' }],
  labels: { l: '1' },
  mounts: [{ source: '/a', target: '/b', readOnly: true }],
  hostname: 'h',
  tty: false,
  stdin: false,
  stdinOnce: false,
  privileged: false,
  readOnlyRoot: true,
  noNewPrivileges: true,
  addCapabilities: ['NET_ADMIN'],
  dropCapabilities: [],
  securityOptions: [],
  network: 'none',
  ipc: 'shareable',
  pid: 'private',
  sysctls: {},
  resources: { memoryBytes: 100 },
  tmpfs: {},
} as const

void t.test('a spec becomes a create request: capped logs, no swap beyond memory, no health check', async t => {
  t.match(createOptionsOf(spec), {
    Env: ['A=b=c'],
    Hostname: 'h',
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Memory: 100,
      MemorySwap: 100,
      PidMode: '',
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Config: { 'max-size': '10m', 'max-file': '5' } },
      Mounts: [{ Source: '/a', Target: '/b', ReadOnly: true, BindOptions: { Propagation: 'rprivate' } }],
    },
  })
})

void t.test('a container that joins a network has no host name of its own to set', async t => {
  t.notOk('Hostname' in createOptionsOf({ ...spec, network: 'container:abc' }))
})

const inspect = (State: object) =>
  containerOf({
    Id: 'x',
    Name: '/n',
    Image: 'sha256:1',
    Created: '2026-01-01T00:00:00Z',
    Config: { Image: 'i', Labels: {} },
    State: { Pid: 0, ExitCode: 0, Error: '', OOMKilled: false, StartedAt: '0001-01-01T00:00:00Z', ...State },
  } as unknown as ContainerInspectInfo)

void t.test('a container whose start failed counts as ended, at the time it was made', async t => {
  const failed = inspect({ Status: 'created', ExitCode: 127, Error: 'no such file' })
  t.match(failed, { state: 'exited', startedAtMs: 0, finishedAtMs: Date.parse('2026-01-01T00:00:00Z') })
  t.match(inspect({ Status: 'created' }), { state: 'created', finishedAtMs: 0 })
})

void t.test('the applets of busybox are read from the table it carries', async t => {
  t.same(appletsOf(Buffer.from('junk\0[\0[[\0acpid\0sh\0\0more\0')), ['[', '[[', 'acpid', 'sh'])
  t.same(appletsOf(Buffer.from('no table')), [])
})

void t.test('a tar stream is whole blocks with a true checksum', async t => {
  const stream = tarStream([{ kind: 'file', path: 'a', mode: 0o644, content: Buffer.from('hello') }])
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  const tar = Buffer.concat(chunks)
  t.equal(tar.length, 512 * 4)
  const header = Buffer.from(tar.subarray(0, 512))
  const stated = parseInt(header.toString('latin1', 148, 154), 8)
  header.fill(' ', 148, 156)
  t.equal(
    header.reduce((sum, byte) => sum + byte, 0),
    stated,
  )
  t.equal(tar.toString('latin1', 512, 517), 'hello')
})

void t.test('the fake pulls what its registry holds', async t => {
  const images = new FakeImages('a:1')
  images.registry.add('b:1')
  t.ok(await images.find('a:1'))
  t.match(await images.pull('b:1', {}), { tags: ['b:1'] })
  await t.rejects(images.pull('c:1', {}), { code: 'NOT_FOUND' })
})
