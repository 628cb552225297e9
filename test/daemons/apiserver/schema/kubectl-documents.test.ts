import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import { makeDocuments } from '../../../../daemons/apiserver/schema/documents.ts'
import { installedKubectls } from './installed-kubectls.ts'
import { versionInfo } from './version-info.ts'

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, resources: {limits: {cpu: 100m}}}]}
`

const found = installedKubectls()
if (found.length === 0) t.test('kubectl reads the documents', { skip: 'no kubectl on PATH' }, async () => {})

const notFound = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'NotFound', code: 404 }
const documents = makeDocuments(() => builtinKinds, versionInfo)
const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://api')
  const reply = documents(url.pathname, request.headers.accept ?? '', url.searchParams)
  response.statusCode = reply?.status ?? (url.pathname === '/version' ? 200 : 404)
  response.setHeader('content-type', reply?.contentType ?? 'application/json')
  response.end(reply?.body ?? JSON.stringify(url.pathname === '/version' ? versionInfo : notFound))
})

t.before(async () => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
t.teardown(() => server.close())

for (const file of found)
  t.test(`${file.split('/').at(-1)} discovers, explains and validates`, async t => {
    const home = mkdtempSync(join(tmpdir(), 'skiff-kubectl-'))
    t.teardown(() => rmSync(home, { recursive: true, force: true }))
    writeFileSync(join(home, 'web.yaml'), manifest)
    const run = async (...args: string[]): Promise<string> => {
      const { port } = server.address() as AddressInfo
      const env = { HOME: home, PATH: process.env['PATH'] ?? '' }
      const all = [`--server=http://127.0.0.1:${port}`, `--cache-dir=${join(home, 'cache')}`, ...args]
      const { stdout } = await promisify(execFile)(file, all, { env, timeout: 60_000 })
      return stdout
    }
    t.match(await run('api-resources'), /^deployments +deploy +apps\/v1 +true +Deployment$/m)
    t.match(await run('explain', 'pod.spec.containers'), /List of containers belonging to the pod/)
    t.match(await run('explain', 'deploy.spec.strategy'), /rollingUpdate/)
    t.match(
      await run('apply', '--dry-run=client', '-f', join(home, 'web.yaml')),
      /deployment.apps\/web created \(dry run\)/,
    )
  })
