import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startTestServer } from '../../daemons/apiserver/http/test-server.ts'
import { startEtcd } from './etcd-cluster.ts'

const encryption = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [
    {
      resources: ['secrets'],
      providers: [
        { aesgcm: { keys: [{ name: 'k', secret: Buffer.alloc(32, 7).toString('base64') }] } },
        { identity: {} },
      ],
    },
  ],
}

void t.test('two API servers on one etcd', async t => {
  const etcd = await startEtcd(1)
  const directory = mkdtempSync(join(tmpdir(), 'skiff-etcd-api-'))
  t.teardown(async () => {
    await etcd.stop()
    rmSync(directory, { recursive: true })
  })
  const encryptionProviderConfig = join(directory, 'encryption.json')
  writeFileSync(encryptionProviderConfig, JSON.stringify(encryption))
  // So few numbers that two who choose at random meet.
  const ranges = { serviceClusterIpRange: '10.96.0.0/27', serviceNodePortRange: '30000-30029' }
  const overrides = { etcdServers: etcd.servers, encryptionProviderConfig, ...ranges }
  const one = await startTestServer(t, overrides)
  const two = await startTestServer(t, overrides)
  const maps = '/api/v1/namespaces/default/configmaps'
  const post = (body: unknown, path = maps) => one.ask(path, { method: 'POST', body })

  await t.test('what one has written the other reads, updates and deletes at once', async t => {
    for (let n = 0; n < 5; n++) {
      t.equal((await post({ metadata: { name: `c${n}` }, data: { n: String(n) } })).status, 201)
      const read = await two.ask(`${maps}/c${n}`)
      t.equal(read.status, 200)
      const changed = await two.ask(`${maps}/c${n}`, { method: 'PUT', body: { ...read.json, data: { n: 'x' } } })
      t.equal(changed.status, 200)
      t.equal((await one.ask(`${maps}/c${n}`, { method: 'PUT', body: read.json })).status, 409)
      t.equal((await one.ask(`${maps}/c${n}`, { method: 'DELETE' })).status, 200)
      t.equal((await two.ask(`${maps}/c${n}`)).status, 404)
    }
  })

  await t.test('Services made on both at once never share an address or a port, and give them back', async t => {
    const services = '/api/v1/namespaces/default/services'
    const spec = { type: 'NodePort', ports: [{ port: 80 }] }
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? one : two).ask(services, { method: 'POST', body: { metadata: { name: `s${n}` }, spec } }),
      ),
    )
    t.same([...new Set(made.map(({ status }) => status))], [201])
    const specs = made.map(({ json }) => json['spec'] as { clusterIP: string; ports: { nodePort: number }[] })
    t.equal(new Set(specs.map(({ clusterIP }) => clusterIP)).size, 20)
    t.equal(new Set(specs.map(({ ports }) => ports[0]?.nodePort)).size, 20)
    await Promise.all(made.map((_, n) => (n % 2 === 0 ? two : one).ask(`${services}/s${n}`, { method: 'DELETE' })))
    const left = await two.ask('/apis/networking.k8s.io/v1/ipaddresses')
    t.match(left.json['items'], [{ metadata: { name: '10.96.0.1' } }])
    t.equal((left.json['items'] as unknown[]).length, 1)
    t.match((await one.ask('/metrics')).text, /^kube_apiserver_nodeport_allocator_allocated_ports 0$/m)
  })

  await t.test('a Secret reads the same everywhere and is not in the files of etcd', async t => {
    const password = 'correct-horse-battery-staple'
    const body = { metadata: { name: 's' }, stringData: { password } }
    t.equal((await post(body, '/api/v1/namespaces/default/secrets')).status, 201)
    const read = await two.ask('/api/v1/namespaces/default/secrets/s')
    const encoded = Buffer.from(password).toString('base64')
    t.match(read.json, { data: { password: encoded } })
    const files = readdirSync(etcd.directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    const contents = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name)))
    t.ok(contents.some(content => content.includes('k8s:enc:aesgcm:v1:k:')))
    t.notOk(contents.some(content => content.includes(encoded) || content.includes(password)))
  })

  await t.test('without etcd a write is 503 or 504, memory still answers, and readyz says why', async t => {
    t.equal((await post({ metadata: { name: 'kept' } })).status, 201)
    await etcd.kill(0)
    const startedAt = performance.now()
    const failed = await post({ metadata: { name: 'lost' } })
    t.ok([503, 504].includes(failed.status), `${failed.status} ${failed.text}`)
    t.ok(performance.now() - startedAt < 20_000)
    t.equal((await one.ask(`${maps}/kept?resourceVersion=0`)).status, 200)
    t.match((await one.ask('/readyz?verbose')).text, /\[-\]etcd failed/)
    etcd.start(0)
    await etcd.waitHealthy(0)
    t.equal((await post({ metadata: { name: 'back' } })).status, 201)
  })
})
