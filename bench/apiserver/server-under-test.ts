import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { type ClientHttp2Session, connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAuthority, issueCertificate } from '../../provision/certificates/certificate-authority.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')

/** An API server of its own process, with nothing beside it, on loopback and a store on this machine's disk. */
export interface ServerUnderTest {
  url: string
  /** Headers that make a request the administrator's, as h2load takes them. */
  authorization: string
  ca: string
  /** Resident memory, MiB. */
  residentMib(): number
  session(): ClientHttp2Session
  stop(): Promise<void>
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject()))
    })
  })

/** MiB that a process holds, from /proc. */
export const residentMib = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

export const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise(resolve => child.once('close', () => resolve()))

const untilReady = async (session: ClientHttp2Session): Promise<boolean> =>
  new Promise(resolve => {
    session.once('error', () => resolve(false))
    const stream = session.request({ ':path': '/readyz' })
    stream.once('response', headers => resolve(headers[':status'] === 200))
    stream.once('error', () => resolve(false))
    stream.resume()
  })

export const startServer = async (): Promise<ServerUnderTest> => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-bench-'))
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 })
    return join(directory, name)
  }
  const authority = await createAuthority('bench')
  const server = await issueCertificate(authority, {
    commonName: 'kube-apiserver',
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
  })
  const port = await freePort()
  const child = spawn(
    process.execPath,
    [
      join(root, 'dist/cli/main.js'),
      'kube-apiserver',
      '--bind-address',
      '127.0.0.1',
      '--secure-port',
      String(port),
      '--data-dir',
      join(directory, 'data'),
      '--tls-cert-file',
      file('server.crt', server.certificate),
      '--tls-private-key-file',
      file('server.key', server.key),
      '--client-ca-file',
      file('ca.crt', authority.certificate),
      '--token-auth-file',
      file('tokens.csv', 'bench-token,bench,1,"system:masters"\n'),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined } },
  )
  const url = `https://127.0.0.1:${port}`
  const session = () => connect(url, { ca: authority.certificate, settings: { initialWindowSize: 16 * 1024 * 1024 } })
  for (let attempt = 0; ; attempt++) {
    const probe = session()
    const ready = await untilReady(probe)
    probe.destroy()
    if (ready) break
    if (attempt > 200) throw new Error('the API server did not become ready')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return {
    url,
    authorization: 'authorization: Bearer bench-token',
    ca: authority.certificate,
    residentMib: () => residentMib(child.pid ?? 0),
    session,
    stop: async () => {
      child.kill('SIGTERM')
      await ended(child)
      rmSync(directory, { recursive: true })
    },
  }
}
