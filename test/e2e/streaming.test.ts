import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import type { ContainerView, KubeletView } from '../../daemons/kubelet/kubelet-view.ts'
import { startKubeletServer } from '../../daemons/kubelet/server/server.ts'
import type { ContainerSpec } from '../../host/container-engine.ts'
import { DockerEngine } from '../../host/docker/docker-engine.ts'
import { DockerImages } from '../../host/docker/docker-images.ts'
import { DockerStreams } from '../../host/docker/docker-streams.ts'
import { busyboxImage, ensureBusyboxImage } from '../../host/docker/local-images.ts'
import { nodes, pods } from '../../kube/resources.ts'
import { makeAuthority } from '../daemons/apiserver/http/test-certificates.ts'
import { startTestServer } from '../daemons/apiserver/http/test-server.ts'
import { startTestEngine } from './engine.ts'

/** kubectl on PATH, the versions that stand beside it, and any that SKIFF_TEST_KUBECTLS names (colons between them). */
const kubectls = (): string[] => {
  const directory = '/usr/lib/google-cloud-sdk/bin'
  const beside = existsSync(directory)
    ? readdirSync(directory)
        .filter(name => /^kubectl\.1\.\d+$/.test(name))
        .map(name => join(directory, name))
    : []
  const more = (process.env['SKIFF_TEST_KUBECTLS'] ?? '').split(':').filter(path => path !== '')
  return [...(beside.length > 0 ? beside : ['kubectl']), ...more]
}

const containerSpec = (name: string, more: Partial<ContainerSpec>): ContainerSpec => ({
  name,
  image: busyboxImage,
  env: [],
  labels: {},
  mounts: [],
  tty: false,
  stdin: false,
  stdinOnce: false,
  privileged: false,
  readOnlyRoot: false,
  noNewPrivileges: false,
  addCapabilities: [],
  dropCapabilities: [],
  securityOptions: [],
  network: 'none',
  ipc: 'private',
  pid: 'private',
  sysctls: {},
  resources: {},
  tmpfs: {},
  ...more,
})

/** Writes two lines, one to each output, then serves files over HTTP on 8080 inside the pod. */
const WEB =
  'echo first; echo second >&2; mkdir -p /www; echo hello from the pod >/www/index.html; exec httpd -f -p 8080 -h /www'

const host = await startTestEngine('/tmp/skiff-e2e-streaming')
t.teardown(() => host.stop())
const engine = new DockerEngine(host)
await ensureBusyboxImage(new DockerImages(host))
const ids = new Map<string, ContainerView>()
for (const [name, more] of [
  ['sandbox', { entrypoint: ['sleep', '1000'] }],
  ['web', { entrypoint: ['sh', '-c', WEB] }],
  ['cat', { entrypoint: ['cat'], stdin: true }],
] as const) {
  const id = await engine.create(containerSpec(name, more))
  await engine.start(id)
  ids.set(name, { id, running: true, tty: false, stdin: name === 'cat' })
}
// One network for all: what the web server listens on must be in the sandbox's namespace.
const web = ids.get('web')
if (web !== undefined) ids.set('sandbox', web)

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default' },
  spec: { nodeName: 'node-1', containers: ['web', 'cat'].map(name => ({ name, image: 'x', stdin: name === 'cat' })) },
}
const state = { running: { startedAt: '2026-01-01T00:00:00Z' } }
const status = {
  phase: 'Running',
  containerStatuses: ['web', 'cat'].map(name => ({
    name,
    state,
    ready: true,
    restartCount: 0,
    image: 'x',
    imageID: 'x',
  })),
}

const stop = new AbortController()
const authority = await makeAuthority('kubelet-ca')
const kubeletPem = await authority.server(['127.0.0.1'])
const clientPem = await authority.client('kube-apiserver-kubelet-client', ['system:masters'])
const view: KubeletView = {
  nodeName: 'node-1',
  pods: () => [{ ...pod, status }],
  container: (_namespace, name, _uid, container) => (name === 'web' ? ids.get(container) : undefined),
  previousContainer: () => undefined,
  sandboxId: (_namespace, name) => (name === 'web' ? ids.get('sandbox')?.id : undefined),
  ready: () => true,
}
const kubelet = await startKubeletServer({
  address: '127.0.0.1',
  port: 0,
  ...kubeletPem,
  clientCa: authority.cert,
  view,
  streams: new DockerStreams(host),
  signal: stop.signal,
  log: pino({ level: 'silent' }),
})
t.teardown(async () => {
  stop.abort(new Error('the test is over'))
  await kubelet.done
})

t.setTimeout(300_000)
const pem = (name: string, text: string): string => {
  const path = join('/tmp/skiff-e2e-streaming', name)
  writeFileSync(path, text)
  return path
}
const server = await startTestServer(t, {
  kubeletClientCertificate: pem('client.crt', clientPem.cert),
  kubeletClientKey: pem('client.key', clientPem.key),
  kubeletCertificateAuthority: pem('ca.crt', authority.cert),
})
const client = server.client({ name: 'test', groups: ['system:masters'] })
const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1' },
  status: {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
  },
}
await client.create(nodes, node)
await client.update(nodes, node, { subresource: 'status' })
const { spec = { containers: [] }, ...unbound } = pod
const { nodeName: _, ...unplaced } = spec
await client.create(pods, { ...unbound, spec: { ...unplaced, nodeName: 'node-1' } })
await client.patch(pods, 'web', { status }, { namespace: 'default', subresource: 'status', type: 'merge' })

const base64 = (text: string) => Buffer.from(text).toString('base64')
const kubeconfig = pem(
  'kubeconfig',
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    clusters: [
      { name: 'test', cluster: { server: server.url, 'certificate-authority-data': base64(server.authority.cert) } },
    ],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': base64(server.admin.cert), 'client-key-data': base64(server.admin.key) },
      },
    ],
  }),
)

interface Said {
  code: number
  stdout: string
  stderr: string
}

const fetchText = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    httpGet({ host: '127.0.0.1', port, agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (more: string) => (text += more))
      response.once('end', () => resolve(text))
    }).once('error', reject)
  })

const matched = (child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> =>
  new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = pattern.exec(text)
      if (found !== null) resolve(found)
    })
    child.once('exit', code => reject(new Error(`exit code ${code} after ${text}`)))
  })

/** kubectl 1.29 and later speak WebSocket or SPDY as they are told; those before speak SPDY. */
const transports = (name: string): { suffix: string; env: Record<string, string> }[] => {
  const [, minor] = /\.1\.(\d+)$/.exec(name) ?? []
  if (minor !== undefined && Number(minor) < 29) return [{ suffix: '', env: {} }]
  return ['true', 'false'].map(on => ({
    suffix: on === 'true' ? ' over WebSocket' : ' over SPDY',
    env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: on, KUBECTL_PORT_FORWARD_WEBSOCKETS: on },
  }))
}

const clients = kubectls().flatMap(kubectl => {
  const name = kubectl.split('/').at(-1) ?? ''
  return transports(name).map(({ suffix, env }) => ({ kubectl, name: `${name}${suffix}`, transport: env }))
})

for (const { kubectl, name, transport } of clients) {
  const home = { PATH: process.env['PATH'] ?? '', HOME: '/tmp/skiff-e2e-streaming', KUBECONFIG: kubeconfig }
  const env = { ...home, ...transport }
  const run = (words: readonly string[], input = ''): Promise<Said> =>
    new Promise(resolve => {
      const child = execFile(kubectl, words, { env, timeout: 30_000, maxBuffer: 1e8 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
    })
  void t.test(`${name} exec`, async t => {
    const exec = (words: string[], input?: string) => run(['exec', ...words], input)
    t.match(await exec(['web', '-c', 'web', '--', 'echo', 'hi']), { code: 0, stdout: 'hi\n' })
    const both = await exec(['web', '-c', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])
    t.match(both, { code: 7, stdout: 'out\n', stderr: /^err\n/ })
    t.match(await exec(['-i', 'web', '-c', 'web', '--', 'cat'], 'typed\n'), { code: 0, stdout: 'typed\n' })
    const large = 'x'.repeat(3_000_000)
    const copied = await exec(['-i', 'web', '-c', 'web', '--', 'cat'], large)
    t.equal(copied.stdout.length, large.length, 'three megabytes go there and back')
    t.match(await exec(['web', '-c', 'web', '--', 'no-such-program']), { code: /12[67]/ })
    t.match(await exec(['web', '-c', 'nobody', '--', 'true']), { code: 1, stderr: /nobody/ })
  })
  void t.test(`${name} exec with a terminal`, async t => {
    const words = [kubectl, 'exec', '-it', 'web', '-c', 'web', '--', 'sh', '-c', '"tty; sleep 0.3; stty size"'].join(
      ' ',
    )
    const said = await new Promise<string>(resolve => {
      const child = execFile(
        'script',
        ['-qec', `stty rows 33 cols 77; ${words}`, '/dev/null'],
        { env },
        (_error, stdout) => resolve(stdout),
      )
      child.stdin?.end()
    })
    t.match(said, /\/dev\/pts\/0\r\n/)
    t.match(said, /33 77/)
  })
  void t.test(`${name} logs`, async t => {
    const logs = async (...words: string[]) => (await run(['logs', 'web', '-c', 'web', ...words])).stdout
    t.strictSame((await logs()).split('\n').sort(), ['', 'first', 'second'])
    t.match(await logs('--tail=1'), /^(first|second)\n$/)
    t.match(await logs('--timestamps'), /^\d{4}-\d\d-\d\dT[\d:.]+Z (first|second)\n/)
    t.equal(await logs('--limit-bytes=3'), (await logs()).slice(0, 3))
    const previous = await run(['logs', 'web', '-c', 'web', '--previous'])
    t.match(previous.stderr, /previous terminated container "web" in pod "web" not found/)
    const follow = spawn(kubectl, ['logs', '-f', '--tail=2', 'web', '-c', 'web'], { env })
    await matched(follow, /second|first/)
    follow.kill()
  })
  void t.test(`${name} attach`, async t => {
    const attached = spawn(kubectl, ['attach', '-i', 'web', '-c', 'cat'], { env })
    const answer = matched(attached, new RegExp(`${name} was here`))
    attached.stdin.write(`${name} was here\n`)
    t.ok(await answer)
    attached.kill()
  })
  void t.test(`${name} port-forward`, async t => {
    const forward = spawn(kubectl, ['port-forward', 'pod/web', ':8080', ':8081'], { env })
    let errors = ''
    forward.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const [, open = ''] = await matched(forward, /127\.0\.0\.1:(\d+) -> 8080[^]*127\.0\.0\.1:(\d+) -> 8081/)
    const answers = await Promise.all(Array.from({ length: 5 }, () => fetchText(Number(open))))
    t.strictSame(new Set(answers), new Set(['hello from the pod\n']))
    // One after the other: a connection that is over must not take the session with it.
    for (let i = 0; i < 5; i++) t.equal(await fetchText(Number(open)), 'hello from the pod\n')
    t.equal(errors, '')
    forward.kill()
  })
  void t.test(`${name} port-forward to a port nobody listens on`, async t => {
    const forward = spawn(kubectl, ['port-forward', 'pod/web', ':8081'], { env })
    let errors = ''
    const refused = new Promise<void>(resolve =>
      forward.stderr.on('data', (chunk: Buffer) => {
        errors += chunk.toString()
        if (/refused/i.test(errors)) resolve()
      }),
    )
    const [, closed = ''] = await matched(forward, /127\.0\.0\.1:(\d+) -> 8081/)
    await t.rejects(fetchText(Number(closed)))
    await refused
    t.match(errors, /8081/)
    forward.kill()
  })
}

void t.test('a client that leaves ends its exec', async t => {
  const kubectl = kubectls()[0] ?? 'kubectl'
  const child = spawn(kubectl, ['exec', 'web', '-c', 'web', '--', 'sh', '-c', 'echo started; exec sleep 4242'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/tmp', KUBECONFIG: kubeconfig },
  })
  await matched(child, /started/)
  const sleeping = () =>
    readdirSync('/proc').some(entry => {
      try {
        return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, 'utf8') === 'sleep\0' + '4242\0'
      } catch {
        return false
      }
    })
  const becomes = async (wanted: boolean) => {
    for (let attempt = 0; sleeping() !== wanted && attempt < 100; attempt++)
      await new Promise(resolve => setTimeout(resolve, 50))
    return sleeping() === wanted
  }
  t.ok(await becomes(true))
  child.kill('SIGKILL')
  t.ok(await becomes(false))
})

void t.test('what the API says when it cannot', async t => {
  const log = async (query: string) => (await server.ask(`/api/v1/namespaces/default/pods/web/log${query}`)).json
  t.match(await log(''), {
    code: 400,
    message: 'a container name must be specified for pod web, choose one of: [web cat]',
  })
  t.match(await log('?container=x'), { code: 400, message: 'container x is not valid for pod web' })
  t.match(await log('?container=web&tailLines=-1'), { code: 422, message: /tailLines/ })
  const exec = await server.ask('/api/v1/namespaces/default/pods/web/exec?command=ls&container=web', { method: 'POST' })
  t.match(exec.json, { code: 400 })
})
