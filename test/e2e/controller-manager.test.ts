import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { options as apiOptions } from '../../daemons/apiserver/options.ts'
import { start as startApiServer } from '../../daemons/apiserver/start.ts'
import { options as managerOptions } from '../../daemons/controller-manager/options.ts'
import { start as startManager } from '../../daemons/controller-manager/start.ts'
import { FakeJournal } from '../../host/journal.ts'
import { createHttpClient } from '../../kube/client/http-client.ts'
import { Informer } from '../../kube/client/informer.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import { resolveOptions } from '../../kube/options.ts'
import {
  configMaps,
  deployments,
  endpoints,
  endpointSlices,
  namespaces,
  nodes,
  pods,
  replicaSets,
  services,
} from '../../kube/resources.ts'
import { createAuthority, issueCertificate } from '../../provision/certificates/certificate-authority.ts'
import { kubeconfigText } from '../../provision/certificates/cluster-certificates.ts'

const controllerUser = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] }
const log = pino({ level: process.env['SKIFF_TEST_LOG'] ?? 'silent' })

/** An API server and a controller manager that reaches it over HTTP (as under systemd) or in memory (as in `skiff up`). */
const startCluster = async (t: Pick<Test, 'teardown'>, how: 'http' | 'memory') => {
  const directory = mkdtempSync(join(tmpdir(), 'controller-manager-'))
  const stop = new AbortController()
  const ends: Promise<void>[] = []
  t.teardown(async () => {
    stop.abort(new Error('the test is over'))
    await Promise.allSettled(ends)
    rmSync(directory, { recursive: true, force: true })
  })
  const file = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const ca = await createAuthority('test-ca')
  const server = await issueCertificate(ca, {
    commonName: 'kube-apiserver',
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
  })
  const admin = await issueCertificate(ca, {
    commonName: 'admin',
    organizations: ['system:masters'],
    usages: ['client'],
  })
  const context = { signal: stop.signal, log, journal: new FakeJournal() }
  const api = await startApiServer(
    resolveOptions(apiOptions, {
      bindAddress: ['127.0.0.1'],
      securePort: 0,
      tlsCertFile: file('server.crt', server.certificate),
      tlsPrivateKeyFile: file('server.key', server.key),
      clientCaFile: file('ca.crt', ca.certificate),
      dataDir: join(directory, 'data'),
      advertiseAddress: '192.0.2.1',
    }),
    context,
  )
  ends.push(api.done)
  const url = `https://127.0.0.1:${api.port}`
  const kubeconfig = file('kubeconfig', kubeconfigText({ server: url, ca: ca.certificate, user: 'admin', pair: admin }))
  const manager = await startManager(
    resolveOptions(managerOptions, {
      kubeconfig,
      securePort: 0,
      allocateNodeCidrs: true,
      rootCaFile: join(directory, 'ca.crt'),
    }),
    how === 'http' ? context : { ...context, client: api.client(controllerUser) },
  )
  ends.push(manager.done)
  const client = createHttpClient({ server: url, ca: ca.certificate, cert: admin.certificate, key: admin.key })
  t.teardown(() => client.close())
  return { client, signal: stop.signal, kubeconfig }
}

/** Resolves as soon as what is asked for holds; a test's own timeout ends the wait. */
const until = async <T>(signal: AbortSignal, look: () => Promise<T | undefined | false>): Promise<T> => {
  for (;;) {
    signal.throwIfAborted()
    const found = await look()
    if (found !== undefined && found !== false) return found
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const where = { namespace: 'default' }

/** Plays the scheduler and a kubelet: binds pods, runs them, lets them go. */
const playNode = (client: KubeClient, signal: AbortSignal): void => {
  const informer = new Informer(client, pods, { signal })
  let last = 1
  const act = async (pod: Pod): Promise<void> => {
    const { name = '', namespace = '' } = pod.metadata ?? {}
    if (pod.metadata?.deletionTimestamp !== undefined)
      return client.delete(pods, name, { namespace, gracePeriodSeconds: 0 })
    if (pod.spec?.nodeName === undefined) {
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace },
        target: { kind: 'Node', name: 'n1' },
      }
      await client.create(pods, binding as never, { namespace, name, subresource: 'binding' })
    } else if (pod.status?.phase !== 'Running') {
      const podIP = `10.244.0.${++last}`
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }]
      const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions }
      await client.patch(pods, name, { status }, { type: 'strategic', namespace, subresource: 'status' })
    }
  }
  const run = (pod: Pod) => void act(pod).catch(() => {})
  informer.subscribe({ added: run, updated: run })
  informer.start()
}

const web: Deployment = {
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'v1', ports: [{ name: 'http', containerPort: 80 }] }] },
    },
  },
}

const liveThrough = async (t: Test, how: 'http' | 'memory'): Promise<void> => {
  const { client, signal } = await startCluster(t, how)
  await client.create(nodes, { metadata: { name: 'n1' } })
  await until(signal, () => client.get(configMaps, 'kube-root-ca.crt', where).catch(() => undefined))
  const node = await until(signal, async () => {
    const found = await client.get(nodes, 'n1')
    return found.spec?.podCIDR !== undefined && found
  })
  t.equal(node.spec?.podCIDR, '10.244.0.0/24')
  playNode(client, signal)

  await until(signal, () => client.create(deployments, web).catch(() => undefined))
  await client.create(services, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
  })
  const rolled = (revision: string) => async () => {
    const found = await client.get(deployments, 'web', where)
    const { observedGeneration = 0, updatedReplicas, availableReplicas, replicas } = found.status ?? {}
    return (
      found.metadata?.annotations?.['deployment.kubernetes.io/revision'] === revision &&
      observedGeneration >= (found.metadata?.generation ?? 0) &&
      [updatedReplicas, availableReplicas, replicas].every(count => count === found.spec?.replicas) &&
      found
    )
  }
  await until(signal, rolled('1'))
  const slice = await until(signal, async () => {
    const { items } = await client.list(endpointSlices, { ...where, labelSelector: 'kubernetes.io/service-name=web' })
    return items[0]?.endpoints?.length === 3 && items
  })
  t.equal(slice.length, 1)
  t.equal((await client.get(endpoints, 'web', where)).subsets?.[0]?.addresses?.length, 3)

  const image = (name: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image: name }] } } } })
  await client.patch(deployments, 'web', image('v2'), { type: 'strategic', ...where })
  await until(signal, rolled('2'))
  await client.patch(deployments, 'web', image('v1'), { type: 'strategic', ...where })
  await until(signal, rolled('3'))
  t.equal((await client.list(replicaSets, where)).items.length, 2, 'going back takes the first set again')

  // At rest nothing is written: the newest version of everything stays the same.
  const versions = async () =>
    JSON.stringify(
      await Promise.all(
        [deployments, replicaSets, pods, endpoints, endpointSlices].map(async resource =>
          (await client.list(resource as typeof pods, where)).items.map(one => one.metadata?.resourceVersion),
        ),
      ),
    )
  await until(signal, async () => {
    const before = await versions()
    await new Promise(resolve => setTimeout(resolve, 500))
    return before === (await versions())
  })
  const rest = await versions()
  await new Promise(resolve => setTimeout(resolve, 1500))
  t.equal(await versions(), rest)

  await client.delete(deployments, 'web', { ...where, propagationPolicy: 'Foreground' })
  await until(signal, async () => (await client.list(pods, where)).items.length === 0)
  await until(signal, async () => (await client.list(replicaSets, where)).items.length === 0)
  await until(signal, async () => (await client.list(deployments, where)).items.length === 0)
  await client.delete(services, 'web', where)
  await until(signal, async () => {
    const { items } = await client.list(endpointSlices, { ...where, labelSelector: 'kubernetes.io/service-name=web' })
    return items.length === 0
  })
}

for (const how of ['http', 'memory'] as const)
  t.test(`over ${how} the controllers bring a real API server to rest, again and again`, { timeout: 60_000 }, t =>
    liveThrough(t, how),
  )

t.test('a namespace goes with all that is in it', { timeout: 60_000 }, async t => {
  const { client, signal } = await startCluster(t, 'http')
  playNode(client, signal)
  await client.create(nodes, { metadata: { name: 'n1' } })
  await client.create(namespaces, { metadata: { name: 'x' } })
  await until(signal, () =>
    client.create(deployments, { ...web, metadata: { name: 'web', namespace: 'x' } }).catch(() => undefined),
  )
  await until(signal, async () => {
    const { items } = await client.list(pods, { namespace: 'x' })
    return items.length === 3 && items.every(pod => pod.status?.phase === 'Running')
  })
  await client.delete(namespaces, 'x')
  await until(signal, () =>
    client.get(namespaces, 'x').then(
      () => false,
      (error: { reason?: string }) => error.reason === 'NotFound',
    ),
  )
  t.same((await client.list(pods, { namespace: 'x' })).items, [])
})

const run = promisify(execFile)

for (const version of ['1.27', '1.33']) {
  const beside = `/usr/lib/google-cloud-sdk/bin/kubectl.${version}`
  const kubectlFile = existsSync(beside) ? beside : 'kubectl'
  t.test(`kubectl ${version} rolls out, restarts, undoes, scales, pauses and resumes`, { timeout: 90_000 }, async t => {
    const { client, signal, kubeconfig } = await startCluster(t, 'http')
    const kubectl = async (...args: string[]): Promise<string> => {
      const { stdout } = await run(kubectlFile, ['--kubeconfig', kubeconfig, ...args])
      return stdout
    }
    playNode(client, signal)
    await client.create(nodes, { metadata: { name: 'n1' } })
    await until(signal, () => client.create(deployments, web).catch(() => undefined))
    const settled = () => kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    t.match(await settled(), /successfully rolled out/)
    await kubectl('set', 'image', 'deployment/web', 'c=v2')
    await settled()
    await kubectl('rollout', 'restart', 'deployment/web')
    await settled()
    t.match(await kubectl('rollout', 'history', 'deployment/web'), /\n1 .*\n2 .*\n3 /)
    await kubectl('rollout', 'undo', 'deployment/web', '--to-revision=1')
    await settled()
    // A rollout is done before the last old pod has gone.
    const images = (wanted: string) =>
      until(signal, async () => {
        const { items } = await client.list(pods, where)
        return items.map(one => one.spec?.containers[0]?.image).join(' ') === wanted
      })
    await images('v1 v1 v1')
    t.match(await kubectl('rollout', 'history', 'deployment/web'), /\n2 .*\n3 .*\n4 /)
    await kubectl('rollout', 'pause', 'deployment/web')
    await kubectl('set', 'image', 'deployment/web', 'c=v3')
    await kubectl('scale', 'deployment/web', '--replicas=2')
    await images('v1 v1')
    await kubectl('rollout', 'resume', 'deployment/web')
    t.match(await settled(), /successfully rolled out/)
    await images('v3 v3')
    t.match(await kubectl('describe', 'deployment/web'), /Scaled up replica set web-\w+ from 0 to 3/)
    await kubectl('delete', 'deployment/web', '--cascade=orphan')
    t.equal(
      (await client.list(replicaSets, where)).items.every(one => one.metadata?.ownerReferences === undefined),
      true,
    )
    t.equal((await client.list(pods, where)).items.length, 2)
  })
}
