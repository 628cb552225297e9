import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable, Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import type { ContainerView, KubeletView } from '../../../../daemons/kubelet/kubelet-view.ts'
import { startKubeletServer } from '../../../../daemons/kubelet/server/server.ts'
import type { ContainerStreams } from '../../../../host/container-engine.ts'
import { SkiffError } from '../../../../kube/errors.ts'
import { SpdyConnection } from '../../../../kube/streaming/spdy/spdy-connection.ts'
import { makeAuthority, type Pem } from '../../apiserver/http/test-certificates.ts'
import { textOf } from '../../../kube/streaming/upgrade-server.ts'

const authority = await makeAuthority('kubelet-ca')
const serverPem = await authority.server(['127.0.0.1'])
const admin = await authority.client('apiserver', ['system:masters'])
const stranger = await authority.client('somebody', ['people'])
const listed = await authority.client('metrics-reader', [])

/** Logs are what was asked; exec says its command and gives the number of words as its exit code. */
const streams: ContainerStreams = {
  logs: async (id, asked) => {
    const options = { ...asked, signal: undefined }
    if (id === 'gone') throw new SkiffError('NOT_FOUND', 'no such container')
    return { stdout: Readable.from([Buffer.from(`${id} ${JSON.stringify(options)}\n`)]), stderr: Readable.from([]) }
  },
  exec: async (_id, { command }) => ({
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    stdout: Readable.from([Buffer.from(command.join(' '))]),
    stderr: Readable.from([]),
    resize: async () => {},
    exited: Promise.resolve(command.length),
  }),
  attach: async id => {
    if (id !== 'c3') throw new SkiffError('CONFLICT', 'it has stopped')
    return {
      stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
      stdout: Readable.from([Buffer.from('its last words')]),
      stderr: Readable.from([]),
      resize: async () => {},
      exited: Promise.resolve(5),
    }
  },
  connect: () => Promise.reject(new SkiffError('UNAVAILABLE', 'refused')),
}

const containers: Record<string, ContainerView> = {
  app: { id: 'c1', running: true, tty: false, stdin: false },
  done: { id: 'c2', running: false, tty: false, stdin: false },
  ends: { id: 'c3', running: true, tty: false, stdin: false },
  lost: { id: 'gone', running: false, tty: false, stdin: false },
}

const view: KubeletView = {
  nodeName: 'n',
  pods: () => [{ metadata: { name: 'web', namespace: 'default', uid: 'u1' }, spec: { containers: [{ name: 'app' }] } }],
  container: (namespace, pod, uid, name) =>
    namespace === 'default' && pod === 'web' && (uid ?? 'u1') === 'u1' ? containers[name] : undefined,
  previousContainer: () => undefined,
  sandboxId: () => undefined,
  ready: () => true,
}

const stop = new AbortController()
const server = await startKubeletServer({
  address: '127.0.0.1',
  port: 0,
  ...serverPem,
  clientCa: authority.cert,
  view,
  streams,
  signal: stop.signal,
  log: pino({ level: 'silent' }),
  allowedNames: ['metrics-reader'],
})
t.teardown(async () => {
  stop.abort(new Error('the test is over'))
  await server.done
})

const open = (path: string, as: Pem | undefined, headers: Record<string, string> = {}, method = 'GET') =>
  httpsRequest({
    host: '127.0.0.1',
    port: server.port,
    path,
    method,
    headers,
    agent: false,
    ca: authority.cert,
    ...(as === undefined ? {} : { cert: as.cert, key: as.key }),
  })

const answerTo = async (request: ReturnType<typeof open>): Promise<{ status: number; text: string }> => {
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, text: await textOf(response) }
}

const ask = (path: string, as: Pem = admin, headers = {}, method = 'GET') => answerTo(open(path, as, headers, method))
const anonymous = (path: string) => answerTo(open(path, undefined))

void t.test('only health is for everybody', async t => {
  t.strictSame(await anonymous('/healthz'), { status: 200, text: 'ok' })
  t.match(await anonymous('/pods'), { status: 401, text: 'Unauthorized' })
  t.match(await ask('/pods', stranger), { status: 403, text: /^Forbidden \(user=somebody, / })
  t.match(await ask('/pods', listed), { status: 200, text: /"kind":"PodList"/ })
})

const cases: { name: string; path: string; status: number; text: RegExp }[] = [
  { name: 'running pods', path: '/runningpods/', status: 200, text: /"containers":\[\{"name":"app"/ },
  { name: 'metrics', path: '/metrics', status: 200, text: /kubelet_http_requests_total/ },
  { name: 'an unknown path', path: '/nope', status: 404, text: /^404 page not found/ },
  { name: 'logs', path: '/containerLogs/default/web/app', status: 200, text: /^c1 \{"follow":false/ },
  {
    name: 'logs with every parameter',
    path: '/containerLogs/default/web/app?follow=true&tailLines=5&timestamps=true&sinceTime=2026-01-01T00:00:00Z',
    status: 200,
    text: /"follow":true,.*"timestamps":true,"tailLines":5,"sinceMs":1767225600000/,
  },
  { name: 'logs up to a limit', path: '/containerLogs/default/web/app?limitBytes=2', status: 200, text: /^c1$/ },
  {
    name: 'logs of a bad tail',
    path: '/containerLogs/default/web/app?tailLines=-1',
    status: 400,
    text: /tailLines.*"-1"/,
  },
  {
    name: 'logs of an unknown pod',
    path: '/containerLogs/default/x/app',
    status: 404,
    text: /pod "x" cannot be found/,
  },
  {
    name: 'logs of an unknown container',
    path: '/containerLogs/default/web/x',
    status: 400,
    text: /^container "x" in pod "web" is not available$/,
  },
  {
    name: 'logs of the run before',
    path: '/containerLogs/default/web/app?previous=true',
    status: 400,
    text: /^previous terminated container "app" in pod "web" not found$/,
  },
  {
    name: 'logs the engine has lost',
    path: '/containerLogs/default/web/lost',
    status: 404,
    text: /unable to retrieve/,
  },
  { name: 'exec without an upgrade', path: '/exec/default/web/app', status: 400, text: /^Upgrade request required$/ },
]
for (const { name, path, status, text } of cases)
  void t.test(`${name}: ${status}`, async t => {
    t.match(await ask(path), { status, text })
  })

const upgrade = { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v4.channel.k8s.io' }
const dial = (path: string): Promise<SpdyConnection> =>
  new Promise((resolve, reject) => {
    const request = open(path, admin, upgrade, 'POST')
    request.once('upgrade', (_response, socket, head) => resolve(new SpdyConnection(socket, { role: 'client', head })))
    request.once('response', response => reject(new Error(`refused with ${response.statusCode}`)))
    request.once('error', reject)
    request.end()
  })

void t.test('exec over SPDY: output, then the outcome', async t => {
  const connection = await dial('/exec/default/web/u1/app?output=1&command=ls&command=-l')
  const [error, stdout] = ['error', 'stdout'].map(streamtype => connection.openStream({ streamtype }))
  if (error === undefined || stdout === undefined) throw new Error('no streams')
  t.equal(await textOf(stdout), 'ls -l')
  t.match(JSON.parse(await textOf(error)), { details: { causes: [{ message: '2' }] } })
  connection.close()
})

void t.test('attach that fails says why on the error stream', async t => {
  const connection = await dial('/attach/default/web/app?output=1')
  const [error] = ['error', 'stdout'].map(streamtype => connection.openStream({ streamtype }))
  if (error === undefined) throw new Error('no stream')
  t.match(JSON.parse(await textOf(error)), { status: 'Failure', message: 'it has stopped' })
  connection.close()
})

void t.test('attach succeeds whatever the exit code: kubectl run asks the status of the pod for it', async t => {
  const connection = await dial('/attach/default/web/ends?output=1')
  const [error, stdout] = ['error', 'stdout'].map(streamtype => connection.openStream({ streamtype }))
  if (error === undefined || stdout === undefined) throw new Error('no streams')
  t.equal(await textOf(stdout), 'its last words')
  t.match(JSON.parse(await textOf(error)), { status: 'Success' })
  connection.close()
})

const refused: { name: string; path: string; status: number; text: RegExp }[] = [
  {
    name: 'a container that has ended',
    path: '/exec/default/web/done?output=1&command=x',
    status: 404,
    text: /not found \(\\"done\\"\)/,
  },
  { name: 'another pod’s uid', path: '/exec/default/web/u2/app?output=1&command=x', status: 404, text: /not found/ },
  {
    name: 'no streams',
    path: '/exec/default/web/app?command=x',
    status: 400,
    text: /at least 1 of stdin, stdout, stderr/,
  },
  { name: 'no command', path: '/exec/default/web/app?output=1', status: 400, text: /specify the command/ },
  { name: 'a pod without a sandbox', path: '/portForward/default/web', status: 404, text: /pod not found/ },
]
for (const { name, path, status, text } of refused)
  void t.test(`an upgrade is refused with a Status: ${name}`, async t => {
    t.match(await ask(path, admin, upgrade, 'POST'), { status, text })
  })
