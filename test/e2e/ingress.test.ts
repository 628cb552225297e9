import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { pino } from 'pino'
import type { Secret } from 'kubernetes-types/core/v1.js'
import type { Ingress } from 'kubernetes-types/networking/v1.js'
import t from 'tap'
import { strayNginx } from '../../daemons/ingress/nginx/stray-nginx.ts'
import { options } from '../../daemons/ingress/options.ts'
import { start, type RunningIngress } from '../../daemons/ingress/start.ts'
import { systemClock } from '../../host/clock.ts'
import { runOk, systemExec } from '../../host/exec.ts'
import { FakeJournal } from '../../host/journal.ts'
import { FakeClient } from '../../kube/client/fake-client.ts'
import { resolveOptions } from '../../kube/options.ts'
import { endpointSlices, events, ingressClasses, ingresses, secrets } from '../../kube/resources.ts'
import { ingress, rule } from '../daemons/ingress/cluster.ts'
import { at, service, slice } from '../proxy/cluster.ts'

/** The API is a fake; nginx, its reloads and the backends on loopback are real. */
const freePort = async (): Promise<number> => {
  const server = createTcpServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

interface Answer {
  status: number
  body: string
  location: string
  subject: string
}

const ask = (port: number, host: string, path: string, secure = false): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const where = { host: '127.0.0.1', port, path, headers: { host }, agent: false as const }
    const request = secure
      ? httpsRequest({ ...where, servername: host, rejectUnauthorized: false })
      : httpRequest(where)
    request.on('response', response => {
      const socket = response.socket as TLSSocket
      const subject = secure ? String(socket.getPeerCertificate().subject?.CN ?? '') : ''
      let body = ''
      response.on('data', (data: Buffer) => (body += data.toString()))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, location: response.headers.location ?? '', subject }),
      )
    })
    request.on('error', reject)
    request.end()
  })

const until = async (what: string, holds: () => Promise<boolean>) => {
  for (let i = 0; i < 100; i++) {
    // While nginx reloads, old and new workers answer side by side for a tenth of a second: look twice.
    if (await holds().catch(() => false)) {
      await systemClock.sleep(200)
      if (await holds().catch(() => false)) return
    }
    await systemClock.sleep(50)
  }
  throw new Error(`not within 5 s: ${what}`)
}

const pem = async (directory: string, name: string): Promise<Secret> => {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  await runOk(systemExec, 'openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-subj', `/CN=${name}`])
  const base64 = async (file: string) => (await runOk(systemExec, 'base64', ['-w0', file])).trim()
  const data = { 'tls.crt': await base64(cert), 'tls.key': await base64(key) }
  const metadata = { namespace: 'default', name: 'cert' }
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, data }
}

const skip = existsSync('/usr/sbin/nginx') && process.getuid?.() === 0 ? false : 'needs root and nginx'

t.test('the ingress daemon with a real nginx', { skip }, async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'skiff-ingress-'))
  const stop = new AbortController()
  let running: RunningIngress | undefined
  const backends = ['one', 'two'].map(name =>
    createServer((request, response) => response.end(`${name} ${request.url} ${request.headers['x-forwarded-proto']}`)),
  )
  t.teardown(async () => {
    stop.abort()
    await running?.done.catch(() => {})
    for (const server of backends) {
      server.closeAllConnections()
      server.close()
    }
    rmSync(dataDir, { recursive: true, force: true })
  })
  for (const server of backends) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const [one, two] = backends.map(server => (server.address() as AddressInfo).port)
  const backed = (name: string, ...ports: (number | undefined)[]) =>
    slice(name, [at('127.0.0.1')], { ports: [{ name: 'http', port: ports[0] ?? 0, protocol: 'TCP' }] })
  const web = (): Ingress =>
    ingress('web', { rules: [rule('web.example', ['/', 'Prefix', 'one'], ['/two', 'Prefix', 'two'])] })
  const client = new FakeClient(
    service('one', {}),
    service('two', {}),
    service('none', {}),
    backed('one', one),
    backed('two', two),
    web(),
    ingress('none', { rules: [rule('none.example', ['/', 'Prefix', 'none'])] }),
  )
  const [httpPort, httpsPort] = [await freePort(), await freePort()]
  const settings = resolveOptions(options, {
    listenAddress: '127.0.0.1',
    healthzBindAddress: '127.0.0.1:0',
    minReloadPeriodMs: 20,
    dataDir,
    httpPort,
    httpsPort,
  })
  const log = pino({ level: 'silent' })
  running = await start(settings, { signal: stop.signal, log, journal: new FakeJournal(), client })
  await running.firstSync
  await until('nginx answers', async () => (await ask(httpPort, 'web.example', '/')).status === 200)
  const bodyOf = async (path: string, host = 'web.example') => (await ask(httpPort, host, path)).body
  const change = async (edit: (object: Ingress) => void) => {
    const object = structuredClone(await client.get(ingresses, 'web', { namespace: 'default' }))
    edit(object)
    await client.update(ingresses, object)
  }

  t.test('hosts and paths lead to their Services; others get 404, Services without endpoints 503', async t => {
    t.equal(await bodyOf('/x?y=1'), 'one /x?y=1 http')
    t.equal(await bodyOf('/two/deep'), 'two /two/deep http')
    t.equal(await bodyOf('/twofold'), 'one /twofold http', 'Prefix goes by path elements')
    t.equal((await ask(httpPort, 'other.example', '/')).status, 404)
    t.equal((await ask(httpPort, 'none.example', '/')).status, 503)
  })

  t.test('the class is made and the status is written', async t => {
    t.match(await client.get(ingressClasses, 'nginx'), { spec: { controller: 'k8s.io/ingress-nginx' } })
    await until('status', async () => {
      const { status } = await client.get(ingresses, 'web', { namespace: 'default' })
      return status?.loadBalancer?.ingress?.[0]?.ip === '127.0.0.1'
    })
    t.pass('written')
  })

  t.test('no request fails while endpoints change', async t => {
    let asking = true
    const failures: string[] = []
    const asker = (async () => {
      while (asking) {
        const answer = await ask(httpPort, 'web.example', '/').catch((error: unknown) => ({
          status: 0,
          body: String(error),
        }))
        if (answer.status !== 200) failures.push(`${answer.status} ${answer.body}`)
      }
    })()
    await client.update(endpointSlices, backed('one', two))
    await until('the other endpoint', async () => (await bodyOf('/')) === 'two / http')
    await client.update(endpointSlices, backed('one', one))
    await until('the first endpoint', async () => (await bodyOf('/')) === 'one / http')
    asking = false
    await asker
    t.same(failures, [])
  })

  t.test('a wrong annotation is rejected by its name, and the last good state stays', async t => {
    await change(o => {
      o.metadata = { ...o.metadata, annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': '1m; return 200' } }
    })
    await until('an event', async () => {
      const { items } = await client.list(events, { namespace: 'default' })
      return items.some(e => e.reason === 'Rejected' && (e.message ?? '').includes('proxy-body-size'))
    })
    t.equal(await bodyOf('/'), 'one / http')
  })

  t.test('what nginx itself refuses leaves the last good configuration in force', async t => {
    const regex = { 'nginx.ingress.kubernetes.io/use-regex': 'true' }
    await change(o => {
      o.metadata = { ...o.metadata, annotations: regex }
      // Compiles as a JavaScript expression, not as one of nginx's.
      o.spec = { ...o.spec, rules: [rule('web.example', ['/[[:x:]]', 'ImplementationSpecific', 'one'])] }
    })
    await until('an event', async () => {
      const { items } = await client.list(events, { namespace: 'default' })
      return items.some(e => (e.message ?? '').includes('nginx refuses the configuration'))
    })
    t.equal(await bodyOf('/'), 'one / http')
    t.ok(existsSync(join(dataDir, 'nginx.conf.refused')))
  })

  t.test('a rewrite takes the prefix off', async t => {
    await change(o => {
      o.metadata = { ...o.metadata, annotations: { 'nginx.ingress.kubernetes.io/rewrite-target': '/$2' } }
      o.spec = { ...o.spec, rules: [rule('web.example', ['/app(/|$)(.*)', 'ImplementationSpecific', 'one'])] }
    })
    await until('rewritten', async () => (await bodyOf('/app/x/y?z=1')) === 'one /x/y?z=1 http')
    t.pass('rewritten')
  })

  t.test('TLS: the Secret’s certificate by SNI, the fallback for others, HTTP is sent to HTTPS', async t => {
    await client.create(secrets, await pem(dataDir, 'web.example'))
    await change(o => {
      o.metadata = { ...o.metadata, annotations: {} }
      o.spec = { ...web().spec, tls: [{ hosts: ['web.example'], secretName: 'cert' }] }
    })
    await until('TLS', async () => (await ask(httpsPort, 'web.example', '/', true)).status === 200)
    t.match(await ask(httpsPort, 'web.example', '/', true), { body: 'one / https', subject: 'web.example' })
    t.match(await ask(httpsPort, 'none.example', '/', true), { status: 503, subject: /fallback/ })
    t.match(await ask(httpPort, 'web.example', '/a'), { status: 308, location: `https://web.example:${httpsPort}/a` })
  })

  t.test('nginx is started again when it dies, also when only its workers are left', async t => {
    const [master] = strayNginx(dataDir).sort((a, b) => a - b)
    process.kill(master ?? 0, 'SIGKILL')
    await until('a new nginx', async () => !strayNginx(dataDir).includes(master ?? 0))
    await until('it answers', async () => (await ask(httpsPort, 'web.example', '/', true)).status === 200)
    t.equal((await fetch(`${running?.healthzAddress}/healthz`)).status, 200)
  })

  t.test('nothing of nginx is left when the daemon stops', async t => {
    stop.abort()
    await running?.done
    t.same(strayNginx(dataDir), [])
    await t.rejects(ask(httpPort, 'web.example', '/'))
  })
})
