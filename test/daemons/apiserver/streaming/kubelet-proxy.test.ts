import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer, request as httpsRequest } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeAuthority } from '../http/test-certificates.ts'
import { startTestServer } from '../http/test-server.ts'

const pod = '/api/v1/namespaces/default/pods/web'

/** What plays the kubelet keeps what it was asked, and answers upgrades by echoing what comes. */
const startKubelet = async (t: Test, identity: { cert: string; key: string }) => {
  const seen: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  const server = createServer(identity, (request, response) => {
    seen.push(request)
    response.end(`logs of ${request.url}`)
  })
  server.on('upgrade', (request, socket) => {
    seen.push(request)
    const [protocol] = (request.headers['sec-websocket-protocol'] ?? '').split(',')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    )
    socket.pipe(socket)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { seen, port: (server.address() as AddressInfo).port }
}

/** Pod `web` on a node whose kubelet is of an authority that the API server knows, or does not. */
const setUp = async (t: Test, { trusted }: { trusted: boolean }) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-kubelet-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const [known, other] = [await makeAuthority('kubelet-ca'), await makeAuthority('other-ca')]
  const identity = await known.client('kube-apiserver-kubelet-client', ['system:masters'])
  const kubelet = await startKubelet(t, await (trusted ? known : other).server(['127.0.0.1']))
  const server = await startTestServer(t, {
    kubeletClientCertificate: file('client.crt', identity.cert),
    kubeletClientKey: file('client.key', identity.key),
    kubeletCertificateAuthority: file('ca.crt', known.cert),
    tokenAuthFile: file('tokens.csv', 'secret-token,kim,7,"system:masters"\n'),
  })
  const patch = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' } }
  await server.ask('/api/v1/nodes', {
    method: 'POST',
    body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } },
  })
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
  }
  await server.ask('/api/v1/nodes/n/status', { ...patch, body: { status } })
  const made = await server.ask('/api/v1/namespaces/default/pods', {
    method: 'POST',
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { nodeName: 'n', containers: [{ name: 'a', image: 'x' }] },
    },
  })
  t.equal(made.status, 201)
  return { server, kubelet }
}

t.test('logs come from a kubelet that is known, or from any where that is asked for', async t => {
  const good = await setUp(t, { trusted: true })
  t.equal((await good.server.ask(`${pod}/log?tailLines=2`)).text, 'logs of /containerLogs/default/web/a?tailLines=2')
  const { server } = await setUp(t, { trusted: false })
  const refused = await server.ask(`${pod}/log`)
  t.equal(refused.status, 500)
  t.match(refused.json['message'], /certificate/)
  const asked = await server.ask(`${pod}/log?insecureSkipTLSVerifyBackend=true`)
  t.equal(asked.text, 'logs of /containerLogs/default/web/a')
})

t.test('options of logs are checked before anybody is asked', async t => {
  const { server, kubelet } = await setUp(t, { trusted: true })
  const refused = await server.ask(`${pod}/log?tailLines=-1&limitBytes=0`)
  t.equal(refused.status, 422)
  t.match(refused.json, {
    reason: 'Invalid',
    details: { name: 'web', kind: 'PodLogOptions', causes: [{ field: 'tailLines' }, { field: 'limitBytes' }] },
  })
  t.equal(kubelet.seen.length, 0)
})

const openWebSocket = (
  server: Awaited<ReturnType<typeof startTestServer>>,
  protocols: string,
): Promise<{ head: IncomingMessage; socket?: Socket }> =>
  new Promise((resolve, reject) => {
    httpsRequest(`${server.url}${pod}/exec?command=sh&stdin=true&stdout=true`, {
      ca: server.authority.cert,
      agent: false,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.alloc(16).toString('base64'),
        'sec-websocket-protocol': protocols,
      },
    })
      .on('upgrade', (head, socket) => resolve({ head, socket: socket as Socket }))
      .on('response', head => resolve({ head }))
      .on('error', reject)
      .end()
  })

t.test('a browser shows its token among the subprotocols, and only the API server sees it', async t => {
  const { server, kubelet } = await setUp(t, { trusted: true })
  const token = (text: string) => `base64url.bearer.authorization.k8s.io.${Buffer.from(text).toString('base64url')}`
  const opened = await openWebSocket(server, `${token('secret-token')}, v5.channel.k8s.io, v4.channel.k8s.io`)
  t.equal(opened.head.statusCode, 101)
  t.equal(opened.head.headers['sec-websocket-protocol'], 'v5.channel.k8s.io')
  opened.socket?.destroy()
  t.equal(kubelet.seen.at(-1)?.headers['sec-websocket-protocol'], 'v5.channel.k8s.io, v4.channel.k8s.io')
  t.match(kubelet.seen.at(-1)?.url, /^\/exec\/default\/web\/[-\da-f]+\/a\?command=sh&input=1&output=1$/)
  for (const protocols of [`${token('wrong')}, v5.channel.k8s.io`, token('secret-token')]) {
    const { head } = await openWebSocket(server, protocols)
    t.equal(head.statusCode, 401, protocols)
    head.destroy()
  }
})
