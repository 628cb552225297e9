import { execFile } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { startTestServer } from '../daemons/apiserver/http/test-server.ts'

/** Every kubectl there is on this machine: the one on PATH, and versions that stand beside it. */
const kubectls = (): string[] => {
  const directory = '/usr/lib/google-cloud-sdk/bin'
  const beside = existsSync(directory)
    ? readdirSync(directory)
        .filter(name => /^kubectl\.1\.\d+$/.test(name))
        .map(name => join(directory, name))
    : []
  return beside.length > 0 ? beside : ['kubectl']
}

// Seven versions of kubectl, some fifty calls each.
t.setTimeout(240_000)
const server = await startTestServer(t)
const base64 = (text: string) => Buffer.from(text).toString('base64')
const kubeconfig = join(server.directory, 'kubeconfig')
writeFileSync(
  kubeconfig,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    clusters: [
      { name: 'test', cluster: { server: server.url, 'certificate-authority-data': base64(server.authority.cert) } },
    ],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': base64(server.admin.cert), 'client-key-data': base64(server.admin.key) },
      },
    ],
  }),
)

const manifest = join(server.directory, 'web.yaml')
const webYaml = (replicas: number, extra = '') => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: busybox:1
        ports: [{containerPort: 80}]
${extra}---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports: [{port: 80}]
`

const run = promisify(execFile)

for (const kubectl of kubectls()) {
  const name = kubectl.split('/').at(-1) ?? ''
  const team = `team-${name.replaceAll('.', '-')}`
  const home = join(server.directory, `home-${name}`)
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    KUBECONFIG: kubeconfig,
    KUBE_EDITOR: 'sed -i s/replicas:.4/replicas:\\ 6/',
  }
  const ask = async (...words: string[]): Promise<string> => {
    try {
      const { stdout, stderr } = await run(kubectl, words, { env, timeout: 60_000 })
      return stdout + stderr
    } catch (error) {
      return String((error as { stdout?: string }).stdout) + String((error as { stderr?: string }).stderr)
    }
  }
  void t.test(`${name} applies, reads, edits, scales and deletes`, async t => {
    writeFileSync(manifest, webYaml(2))
    t.match(await ask('apply', '-f', manifest), /deployment\.apps\/web created\nservice\/web created/)
    t.match(await ask('apply', '-f', manifest), /deployment\.apps\/web unchanged\nservice\/web unchanged/)
    t.match(await ask('diff', '-f', manifest), /^$/)
    writeFileSync(manifest, webYaml(4))
    t.match(await ask('apply', '-f', manifest), /deployment\.apps\/web configured\nservice\/web unchanged/)
    t.match(await ask('get', 'deployment', 'web'), /NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/4/)
    t.match(await ask('get', 'deploy,svc', '-o', 'name'), /deployment\.apps\/web\nservice\/kubernetes\nservice\/web/)
    t.match(await ask('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'), /^4$/)
    t.match(await ask('edit', 'deployment/web'), /deployment\.apps\/web edited/)
    t.match(await ask('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'), /^6$/)
    t.match(await ask('scale', 'deploy/web', '--replicas=3'), /deployment\.apps\/web scaled/)
    t.match(await ask('label', 'deploy/web', 'tier=front'), /deployment\.apps\/web labeled/)
    t.match(await ask('get', 'deploy', '-l', 'tier=front', '-o', 'wide'), /web +0\/3 .*busybox:1 +app=web/)
    t.match(await ask('describe', 'deployment', 'web'), /Replicas: +3 desired/)
    t.match(await ask('set', 'image', 'deploy/web', 'web=busybox:2'), /image updated/)
    t.match(await ask('delete', '-f', manifest), /deployment\.apps "web" deleted/)
    t.match(await ask('get', 'deploy', 'web'), /Error from server \(NotFound\): deployments\.apps "web" not found/)
  })
  void t.test(`${name} is told of mistakes, and applies on the server’s side`, async t => {
    writeFileSync(manifest, webYaml(2, '        foo: 1\n'))
    t.match(await ask('apply', '-f', manifest), /unknown field "spec\.template\.spec\.containers\[0\]\.foo"/)
    writeFileSync(manifest, webYaml(2))
    t.match(await ask('apply', '--server-side', '-f', manifest), /deployment\.apps\/web serverside-applied/)
    t.match(await ask('apply', '--server-side', '-f', manifest), /deployment\.apps\/web serverside-applied/)
    t.match(await ask('apply', '--dry-run=server', '-f', manifest), /\(server dry run\)/)
    t.match(await ask('explain', 'deployment.spec.replicas'), /integer/)
    t.match(await ask('api-resources'), /deployments +deploy +apps\/v1 +true +Deployment/)
    t.match(await ask('version'), /v1\.34\.0\+skiff/)
    t.match(await ask('get', 'ns'), /kube-system +Active/)
    t.match(await ask('create', 'configmap', 'cm', '--from-literal=a=b'), /configmap\/cm created/)
    t.match(await ask('get', 'cm', 'cm', '-o', 'yaml'), /a: b/)
    t.match(await ask('create', 'deployment', 'made', '--image=busybox:1', '--replicas=0', '--port=80'), /made created/)
    t.match(
      await ask('get', 'deploy', 'made', '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports}'),
      /^0 .*80/,
    )
    t.match(await ask('create', 'secret', 'generic', 'sec', '--from-literal=a=b'), /secret\/sec created/)
    t.match(await ask('get', 'secret', 'sec', '-o', 'jsonpath={.data.a} {.type}'), /^Yg== Opaque$/)
    t.match(await ask('create', 'service', 'nodeport', 'np', '--tcp=80:8080'), /np created/)
    t.match(await ask('get', 'svc', 'np'), /NodePort +10\.96\.[0-9.]+ +<none> +80:3[0-9]+.TCP/)
    t.match(await ask('create', 'ingress', 'in', '--rule=a.example/*=np:80'), /in created/)
    t.match(
      await ask('get', 'ingress', 'in', '-o', 'jsonpath={.spec.rules[0].http.paths[0].backend.service.port.number}'),
      /^80$/,
    )
    t.match(await ask('create', 'namespace', team), /namespace\/team-.* created/)
    t.match(
      await ask('delete', `ns/${team}`, 'svc/np', 'ingress/in', 'secret/sec', 'deploy/made', '--wait=false'),
      /"team-.*" deleted/,
    )
    t.match(await ask('run', 'p', '--image=busybox:1'), /pod\/p created/)
    t.match(await ask('get', 'pods'), /p +0\/1 +Pending +0/)
    t.match(await ask('logs', 'p'), /Error from server/)
    t.match(await ask('delete', 'pod/p', 'cm/cm', 'deploy/web', 'svc/web'), /pod "p" deleted/)
    t.match(await ask('get', 'pods'), /No resources found in default namespace/)
  })
}
