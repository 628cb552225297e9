import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { startTestServer } from '../http/test-server.ts'
import { installedKubectls } from './installed-kubectls.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const deployment = (replicas: number, labels: string, image = 'busybox:1') => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {${labels}}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: '${image}', ports: [{containerPort: 80}]}]}
`

const found = installedKubectls()
if (found.length === 0) t.test('kubectl applies', { skip: 'no kubectl on PATH' }, async () => {})

for (const file of found)
  t.test(`${file.split('/').at(-1)} applies server-side: ownership, conflicts, migration, removal`, async t => {
    const server = await startTestServer(t)
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
    const manifest = join(home, 'web.yaml')
    const apply = async (text: string, ...args: string[]) => {
      writeFileSync(manifest, text)
      return kubectl('apply', '-f', manifest, ...args)
    }
    const field = async (path: string) => kubectl('get', 'deploy', 'web', '-o', `jsonpath={${path}}`)
    const serverSide = ['--server-side']

    t.match(await apply(deployment(2, 'a: "1"')), /created/)
    t.match(await apply(deployment(2, 'a: "1"')), /unchanged/)
    const version = await field('.metadata.resourceVersion')

    t.match(await apply(deployment(2, 'a: "1", b: "2"'), ...serverSide), /serverside-applied/)
    t.not(await field('.metadata.resourceVersion'), version)
    const applied = await field('.metadata.resourceVersion')
    await apply(deployment(2, 'a: "1", b: "2"'), ...serverSide)
    t.equal(await field('.metadata.resourceVersion'), applied, 'the same apply again writes nothing')

    await apply(deployment(2, 'b: "2"'), ...serverSide)
    t.equal(await field('.metadata.labels.b'), '2')
    t.equal(await field('.spec.template.spec.containers[0].image'), 'busybox:1')

    await kubectl('scale', 'deploy/web', '--replicas=5')
    writeFileSync(manifest, deployment(2, 'b: "2"'))
    const conflict = await fails('apply', '-f', manifest, ...serverSide)
    t.match(
      conflict,
      /Apply failed with 1 conflict: conflict with "\S+"( with subresource "scale")?.*: \.spec\.replicas/,
    )
    t.equal(await field('.spec.replicas'), '5')
    await apply(deployment(2, 'b: "2"'), ...serverSide, '--force-conflicts')
    t.equal(await field('.spec.replicas'), '2')

    const other = await fails('apply', '-f', manifest, ...serverSide, '--field-manager=somebody-else')
    t.match(other, /did not fail/, 'the same values are no conflict')
    writeFileSync(manifest, deployment(2, 'b: "2"', 'busybox:2'))
    t.match(
      await fails('apply', '-f', manifest, ...serverSide, '--field-manager=somebody-else'),
      /conflict.*\.spec\.template\.spec\.containers\[name="web"\]\.image/s,
    )
    t.match(await kubectl('set', 'image', 'deploy/web', 'web=busybox:3'), /image updated/)
    t.equal(await field('.spec.template.spec.containers[0].image'), 'busybox:3')
    t.match(
      await kubectl('patch', 'deploy', 'web', '--type=json', '-p', '[{"op":"remove","path":"/metadata/labels/b"}]'),
      /patched/,
    )
    t.match(
      await fails('patch', 'deploy', 'web', '--type=json', '-p', '[{"op":"test","path":"/spec/replicas","value":9}]'),
      /request is invalid|is invalid/,
    )
    // diff exits with 1 when there is a difference; what it prints is on standard output all the same.
    const diff = await promisify(execFile)(file, ['diff', '-f', manifest, ...serverSide, '--force-conflicts'], {
      env,
    }).catch((error: unknown) => error)
    t.match(diff, { stdout: /busybox:2/ })
  })
