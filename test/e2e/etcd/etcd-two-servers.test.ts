import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAuthority, issueCertificate } from '../../../provision/certificates/certificate-authority.ts'
import { kubeconfigText } from '../../../provision/certificates/cluster-certificates.ts'
import { checkout, eventually, ok, run } from '../cluster/skiff.ts'
import { freePort, startEtcd } from './etcd-cluster.ts'

interface Server {
  url: string
  /** The file of the authority's certificate. */
  ca: string
  kubeconfig: string
  start(): void
  kill(): Promise<void>
}

const skiffProcess = (args: readonly string[]): ChildProcess => {
  const env = { ...process.env }
  delete env['NODE_EXTRA_CA_CERTS']
  return spawn(process.execPath, [join(checkout, 'dist/cli/main.js'), ...args], { env, stdio: 'ignore' })
}

const kill = async (child: ChildProcess | undefined): Promise<void> => {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** As two machines would have them: own ports and data directories, one authority and one key for tokens. */
const makeServers = async (t: Test, count: number, etcdServers: readonly string[]): Promise<Server[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-two-servers-'))
  const file = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const ca = await createAuthority('test-ca')
  const pair = await issueCertificate(ca, {
    commonName: 'kube-apiserver',
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
  })
  const organizations = ['system:masters']
  const admin = await issueCertificate(ca, { commonName: 'admin', organizations, usages: ['client'] })
  const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const flags = Object.entries({
    'bind-address': '127.0.0.1',
    'advertise-address': '192.0.2.1',
    'tls-cert-file': file('server.crt', pair.certificate),
    'tls-private-key-file': file('server.key', pair.key),
    'client-ca-file': file('ca.crt', ca.certificate),
    'service-account-signing-key-file': file('sa.key', String(signing.export({ type: 'pkcs8', format: 'pem' }))),
    'etcd-servers': etcdServers.join(','),
  }).flatMap(([flag, value]) => [`--${flag}`, value])
  const running: (ChildProcess | undefined)[] = []
  t.teardown(async () => {
    for (const child of running) await kill(child)
    rmSync(directory, { recursive: true })
  })
  const servers: Server[] = []
  for (let n = 0; n < count; n++) {
    const port = await freePort()
    const url = `https://127.0.0.1:${port}`
    const args = ['kube-apiserver', ...flags, '--secure-port', String(port), '--data-dir', join(directory, `data${n}`)]
    servers.push({
      url,
      ca: join(directory, 'ca.crt'),
      kubeconfig: file(
        `kubeconfig${n}`,
        kubeconfigText({ server: url, ca: ca.certificate, user: 'admin', pair: admin }),
      ),
      start: () => (running[n] = skiffProcess(args)),
      kill: () => kill(running[n]),
    })
  }
  return servers
}

const kubectl = (server: Server, args: readonly string[], input = '') =>
  run('kubectl', args, { env: { KUBECONFIG: server.kubeconfig }, input, timeoutMs: 30_000 })
const ready = (server: Server) =>
  eventually(
    () => kubectl(server, ['get', '--raw', '/readyz']),
    said => said.out === 'ok',
  )

/** Lines of a `kubectl get --watch`, as they come. */
const follow = (t: Test, server: Server, args: readonly string[]): (() => string[]) => {
  const child = spawn('kubectl', [...args, '--watch', '-o', 'name'], {
    env: { ...process.env, KUBECONFIG: server.kubeconfig },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  t.teardown(() => kill(child))
  return () => text.split('\n').slice(0, -1)
}

const deployment = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'none' }] } },
  },
})
const service = (name: string) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }] } })

t.test('two API servers on one etcd are one cluster', { timeout: 180_000 }, async t => {
  const etcd = await startEtcd(1)
  t.teardown(() => etcd.stop())
  const [one, two] = (await makeServers(t, 2, etcd.servers)) as [Server, Server]
  // At once: both make what every cluster has, and neither may fail over what the other has made.
  for (const server of [one, two]) server.start()
  for (const server of [one, two]) await ready(server)
  const manager = skiffProcess(['kube-controller-manager', '--kubeconfig', two.kubeconfig, '--secure-port', '0'])
  t.teardown(() => kill(manager))
  const pods = async (server: Server) =>
    (await ok(kubectl(server, ['get', 'pods', '-l', 'app=web', '-o', 'name']))).trim().split('\n').filter(Boolean)
  const everything = (server: Server) =>
    ok(kubectl(server, ['get', 'all,cm,sa,clusterroles,prioritylevelconfigurations', '-A', '-o', 'json']))

  await t.test('what one server is told, the controllers of the other carry out', async t => {
    // The account that pods need is the controllers' work too.
    await eventually(
      () => kubectl(one, ['get', 'serviceaccount', 'default']),
      said => said.code === 0,
    )
    await ok(kubectl(one, ['create', '-f', '-'], deployment))
    const made = await eventually(
      () => pods(one),
      names => names.length === 3,
    )
    t.strictSame(await pods(two), made)
  })

  await t.test('either server shows the same', async t => {
    await eventually(
      async () => (await everything(one)) === (await everything(two)),
      same => same,
    )
    const names = (await ok(kubectl(two, ['get', 'clusterroles', '-o', 'name']))).trim().split('\n')
    t.ok(names.length > 50, `${names.length} roles`)
    t.equal(new Set(names).size, names.length)
  })

  await t.test('a watch on either sees what is written to the other, in the same order', async t => {
    const args = ['get', 'configmaps', '-l', 'seen']
    const [first, second] = [follow(t, one, args), follow(t, two, args)]
    for (let n = 0; n < 6; n++) {
      await ok(kubectl(n % 2 === 0 ? one : two, ['create', 'configmap', `c${n}`]))
      await ok(kubectl(n % 2 === 0 ? two : one, ['label', 'configmap', `c${n}`, 'seen=yes']))
    }
    const expected = [0, 1, 2, 3, 4, 5].map(n => `configmap/c${n}`)
    for (const seen of [first, second]) {
      await eventually(
        async () => seen(),
        lines => lines.length >= expected.length,
      )
      t.strictSame(seen(), expected)
    }
  })

  await t.test(
    'addresses that two servers give one after another differ, and a token of one holds at the other',
    async t => {
      const addressOf = (server: Server, name: string) =>
        ok(kubectl(server, ['get', 'service', name, '-o', 'jsonpath={.spec.clusterIP}']))
      const addresses = new Set<string>()
      for (let n = 0; n < 6; n++) {
        const server = n % 2 === 0 ? one : two
        await ok(kubectl(server, ['create', '-f', '-'], service(`s${n}`)))
        addresses.add(await addressOf(n % 2 === 0 ? two : one, `s${n}`))
      }
      t.equal(addresses.size, 6, [...addresses].join(' '))
      const token = (await ok(kubectl(one, ['create', 'token', 'default']))).trim()
      // A certificate would be heard before the token.
      const flags = [
        '--server',
        two.url,
        '--certificate-authority',
        two.ca,
        '--token',
        token,
        '--kubeconfig',
        '/dev/null',
      ]
      const said = await kubectl(two, ['auth', 'whoami', ...flags])
      t.match(said.out, 'system:serviceaccount:default:default', said.err)
    },
  )

  await t.test('one is killed: the other and the controllers go on, and it comes back to what it missed', async t => {
    await one.kill()
    t.not((await kubectl(one, ['get', 'pods'])).code, 0)
    await ok(kubectl(two, ['scale', 'deployment', 'web', '--replicas=5']))
    const made = await eventually(
      () => pods(two),
      names => names.length === 5,
    )
    one.start()
    await ready(one)
    t.strictSame(await pods(one), made)
    await ok(kubectl(one, ['delete', 'deployment', 'web']))
    await eventually(
      () => pods(two),
      names => names.length === 0,
    )
  })
})
