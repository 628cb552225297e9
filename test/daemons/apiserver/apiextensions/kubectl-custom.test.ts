import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { installedKubectls } from '../schema/installed-kubectls.ts'
import { startCrdServer } from './crd-server.ts'
import { operatorDefinition } from './operator-definition.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

const collector = (image: string, mode = 'Pull') => ({
  apiVersion: 'observe.example.com/v1',
  kind: 'Collector',
  metadata: { name: 'main' },
  spec: {
    mode,
    resources: { cpu: '100m', memory: 1024 },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image, ports: [{ containerPort: 80 }] }] } },
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: 'b' } },
  },
}) // prettier-ignore

const found = installedKubectls()
if (found.length === 0) t.test('kubectl and custom resources', { skip: 'no kubectl on PATH' }, async () => {})

for (const file of found)
  t.test(`${file.split('/').at(-1)} defines, explains, applies, shows, patches, scales and deletes`, async t => {
    const server = await startCrdServer(t)
    const home = join(server.directory, 'home')
    mkdirSync(home)
    const kubeconfig = join(home, 'kubeconfig')
    const user = { 'client-certificate-data': base64(server.admin.cert), 'client-key-data': base64(server.admin.key) }
    const cluster = { server: server.url, 'certificate-authority-data': base64(server.authority.cert) }
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'test',
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
        clusters: [{ name: 'test', cluster }],
        users: [{ name: 'admin', user }],
      }),
    )
    const env = { HOME: home, KUBECONFIG: kubeconfig, PATH: process.env['PATH'] ?? '' }
    const kubectl = async (...args: string[]): Promise<string> => {
      const { stdout, stderr } = await promisify(execFile)(file, args, { env, timeout: 60_000 })
      return stdout + stderr
    }
    const fails = async (...args: string[]): Promise<string> =>
      kubectl(...args).then(
        output => `did not fail: ${output}`,
        (error: unknown) => String(error),
      )
    const write = (name: string, object: object): string => {
      const path = join(home, name)
      writeFileSync(path, JSON.stringify(object))
      return path
    }
    const crd = write('crd.json', operatorDefinition)
    t.match(await kubectl('create', '-f', crd), /collectors\.observe\.example\.com created/)
    await kubectl('wait', '--for=condition=Established', 'crd/collectors.observe.example.com', '--timeout=30s')
    t.match(await kubectl('api-resources', '--api-group=observe.example.com'), /collectors\s+col\s+/)

    const explained = await kubectl('explain', 'collectors.spec.replicas')
    t.match(explained, /How many pods collect/)
    t.match(await kubectl('explain', 'col.spec.template.spec.containers'), /image/)

    const file1 = write('one.json', collector('busybox:1'))
    t.match(await kubectl('apply', '-f', file1), /collector\.observe\.example\.com\/main created/)
    // A list is replaced as a whole: kubectl sends one without the default in it, and nothing is written.
    const version = await kubectl('get', 'col', 'main', '-o', 'jsonpath={.metadata.resourceVersion}')
    await kubectl('apply', '-f', file1)
    t.equal(await kubectl('get', 'col', 'main', '-o', 'jsonpath={.metadata.resourceVersion}'), version)
    t.match(await kubectl('apply', '-f', write('two.json', collector('busybox:2'))), /configured/)
    const table = await kubectl('get', 'col', 'main')
    t.match(table, /^NAME\s+MODE\s+DESIRED\s+READY\s+AGE\nmain\s+Pull\s+1\s+\d+s/)
    t.match(await kubectl('get', 'observe', '-o', 'wide'), /IMAGES/)
    t.match(await fails('apply', '-f', write('push.json', collector('busybox:2', 'Push'))), /the mode stays/)
    t.match(
      await fails('patch', 'col', 'main', '--type=merge', '-p', '{"spec":{"retention":"soon"}}'),
      /spec\.retention: Invalid value: "soon": spec\.retention in body should match/,
    )
    const unknown = write('unknown.json', { ...collector('a'), spec: { ...collector('a').spec, colour: 'red' } })
    t.match(await fails('apply', '-f', unknown), /unknown field "spec\.colour"/)
    await kubectl('scale', 'col', 'main', '--replicas=3')
    t.equal(await kubectl('get', 'col', 'main', '-o', 'jsonpath={.spec.replicas}'), '3')
    t.match(await kubectl('apply', '--server-side', '--force-conflicts', '-f', file1), /serverside-applied/)
    t.equal(await kubectl('get', 'col', 'main', '-o', 'jsonpath={.spec.template.spec.containers[0].ports[0].protocol}'), 'TCP') // prettier-ignore
    await kubectl('label', 'col', 'main', 'seen=yes')
    t.match(await kubectl('get', 'col', '-l', 'seen=yes', '-o', 'name'), /collector\.observe\.example\.com\/main/)
    t.match(await kubectl('delete', 'col', 'main'), /deleted/)
    t.match(await kubectl('delete', 'crd', 'collectors.observe.example.com'), /deleted/)
    t.match(await fails('get', 'col'), /doesn't have a resource type|could not find the requested resource/)
  })
