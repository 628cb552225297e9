import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import { connect, type ClientHttp2Session } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { options } from '../../../../daemons/apiserver/options.ts'
import { start } from '../../../../daemons/apiserver/start.ts'
import { FakeJournal } from '../../../../host/journal.ts'
import { serviceAccounts } from '../../../../kube/resources.ts'
import { hasReason } from '../../../../kube/status.ts'
import { resolveOptions } from '../../../../kube/options.ts'
import { makeAuthority, type Pem } from './test-certificates.ts'

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  text: string
  json: Record<string, unknown>
}

export interface Ask {
  method?: string
  headers?: Record<string, string>
  body?: unknown
  as?: Pem | undefined
}

/** A whole API server on 127.0.0.1, as its daemon starts it, with certificates of its own. */
export const startTestServer = async (t: Test, overrides: Partial<ReturnType<typeof defaults>> = {}) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-apiserver-'))
  const authority = await makeAuthority()
  const server = await authority.server(['127.0.0.1'])
  const file = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  mkdirSync(join(directory, 'data'))
  const stop = new AbortController()
  const running = await start(
    {
      ...defaults(),
      tlsCertFile: file('server.crt', server.cert),
      tlsPrivateKeyFile: file('server.key', server.key),
      clientCaFile: file('ca.crt', authority.cert),
      serviceAccountSigningKeyFile: file('sa.key', signingKey()),
      dataDir: join(directory, 'data'),
      ...overrides,
    },
    { signal: stop.signal, log: pino({ level: 'silent' }), journal: new FakeJournal() },
  )
  const admin = await authority.client('kubernetes-admin', ['system:masters'])
  const sessions: ClientHttp2Session[] = []
  /** As a SIGTERM does. */
  const terminate = async (): Promise<void> => {
    stop.abort(new Error('the test is over'))
    await running.done
  }
  const halt = async (): Promise<void> => {
    for (const session of sessions) session.destroy()
    await terminate()
  }
  t.teardown(async () => {
    await halt()
    rmSync(directory, { recursive: true })
  })
  const client = running.client({ name: 'test', groups: ['system:masters'] })
  const metadata = { name: 'default', namespace: 'default' }
  // A server on the store of another has it already.
  await client
    .create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    .catch((error: unknown) => {
      if (!hasReason(error, 'AlreadyExists')) throw error
    })
  const url = `https://127.0.0.1:${running.port}`
  const tls = (as: Pem) => ({ ca: authority.cert, ...(as === nobody ? {} : { cert: as.cert, key: as.key }) })
  const ask = (path: string, { method = 'GET', headers = {}, body, as = admin }: Ask = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const sent = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
      const type: Record<string, string> =
        sent === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(sent.length) }
      const request = httpsRequest(
        url + path,
        { ...tls(as), agent: false, method, headers: { ...type, ...headers } },
        response => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const bytes = Buffer.concat(chunks)
            const text = bytes.toString()
            const json = () => {
              try {
                return JSON.parse(text) as Record<string, unknown>
              } catch {
                return {}
              }
            }
            resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text, json: json() })
          })
        },
      )
      request.on('error', reject)
      request.end(sent)
    })
  /** A request that shows no certificate at all. */
  const askAnonymously = (path: string) => ask(path, { as: nobody })
  const session = (as: Pem = admin): ClientHttp2Session => {
    const opened = connect(url, tls(as))
    sessions.push(opened)
    return opened
  }
  return { ...running, authority, admin, ask, askAnonymously, session, directory, halt, terminate, url }
}

/** As the cluster's certificates are made with one. */
const signingKey = (): string =>
  String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }))

/** Shows no certificate. */
const nobody: Pem = { cert: '', key: '' }

const defaults = () => ({ ...resolveOptions(options), bindAddress: ['127.0.0.1'] as readonly string[], securePort: 0 })
