import { mkdirSync, readFileSync, rmSync, writeFileSync, readdirSync } from 'node:fs'
import { pino } from 'pino'
import t from 'tap'
import type { ConfigMap, Event, Node, Pod, PodSpec } from 'kubernetes-types/core/v1.js'
import { systemClock } from '../../host/clock.ts'
import { DockerEngine } from '../../host/docker/docker-engine.ts'
import { DockerImages } from '../../host/docker/docker-images.ts'
import { busyboxImage, ensureBusyboxImage, ensurePauseImage } from '../../host/docker/local-images.ts'
import { systemExec } from '../../host/exec.ts'
import { FakeJournal } from '../../host/journal.ts'
import { FakeClient } from '../../kube/client/fake-client.ts'
import { resolveOptions } from '../../kube/options.ts'
import { events, nodes, pods } from '../../kube/resources.ts'
import { options } from '../../daemons/kubelet/options.ts'
import { start, type RunningKubelet } from '../../daemons/kubelet/start.ts'
import { FakeStreams } from '../daemons/kubelet/fake-streams.ts'
import { startTestEngine } from './engine.ts'

const root = '/tmp/skiff-e2e-kubelet'

/** A network of host-only addresses: enough to see that plugins are run; the real ones have tests of their own. */
const fakePlugin = `#!/bin/sh
case "$CNI_COMMAND" in
ADD) echo '{"cniVersion":"1.0.0","ips":[{"address":"10.99.0.7/24"}]}' ;;
esac
exit 0
`

const until = async (what: string, check: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> => {
  const end = Date.now() + ms
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`still waiting after ${ms} ms: ${what}`)
    await systemClock.sleep(5)
  }
}

const podOf = (name: string, spec: Partial<PodSpec>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: {
    nodeName: 'node-1',
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'app', image: busyboxImage, command: ['sleep', '1000'] }],
    ...spec,
  },
})

void t.test('whole pods on a real Engine', async t => {
  const host = await startTestEngine(`${root}/engine`)
  t.teardown(() => host.stop())
  const images = new DockerImages(host)
  const engine = new DockerEngine(host)
  await ensurePauseImage(images)
  await ensureBusyboxImage(images)
  const [confDir, binDir] = [`${root}/net.d`, `${root}/bin`]
  for (const directory of [confDir, binDir]) mkdirSync(directory, { recursive: true })
  writeFileSync(`${binDir}/fake`, fakePlugin, { mode: 0o755 })
  writeFileSync(
    `${confDir}/10-fake.conflist`,
    JSON.stringify({ cniVersion: '1.0.0', name: 'fake', plugins: [{ type: 'fake' }] }),
  )
  const client = new FakeClient()
  const journal = new FakeJournal()

  const launch = async (): Promise<{ kubelet: RunningKubelet; stop(): Promise<void> }> => {
    const stop = new AbortController()
    const kubelet = await start(
      resolveOptions(options, {
        nodeIp: '127.0.0.1',
        hostnameOverride: 'node-1',
        rootDir: `${root}/kubelet`,
        cniConfDir: confDir,
        cniBinDir: binDir,
        cniCacheDir: `${root}/cni-cache`,
      }),
      {
        signal: stop.signal,
        log: pino({ level: process.env['SKIFF_TEST_LOG'] ?? 'silent' }, pino.destination(2)),
        journal,
        client,
      },
      { engine, images, streams: new FakeStreams() },
    )
    return {
      kubelet,
      async stop() {
        stop.abort(new Error('the test is over'))
        await kubelet.done
      },
    }
  }

  const get = (name: string) => client.get(pods, name, { namespace: 'default' })
  const phaseIs = (name: string, phase: string) =>
    until(`${name} is ${phase}`, async () => (await get(name)).status?.phase === phase)
  const gone = (name: string) =>
    until(`${name} is gone`, () => !client.objects<Pod>(pods).some(p => p.metadata?.name === name))
  const reasons = (name: string) =>
    client
      .objects<Event>(events)
      .filter(e => e.involvedObject.name === name)
      .map(e => `${e.reason}: ${e.message}`)

  const { kubelet, stop } = await launch()
  await until('the node is ready', () =>
    client
      .objects<Node>(nodes)
      .some(n => n.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True') ?? false),
  )

  await t.test('a pod runs: sandbox, address, statuses, events', async t => {
    const began = performance.now()
    await client.create(pods, podOf('plain', {}))
    await phaseIs('plain', 'Running')
    t.comment(`create to Running: ${Math.round(performance.now() - began)} ms`)
    const pod = await get('plain')
    t.equal(pod.status?.podIP, '10.99.0.7')
    t.equal(pod.status?.qosClass, 'BestEffort')
    t.match(
      pod.status?.conditions?.map(c => `${c.type}=${c.status}`),
      ['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=True', 'ContainersReady=True', 'PodScheduled=True'],
    )
    t.same(reasons('plain').sort(), [
      `Created: Created container: app`,
      `Pulled: Container image "${busyboxImage}" already present on machine`,
      `Started: Started container app`,
    ])
    t.ok(kubelet.view.container('default', 'plain', undefined, 'app')?.running)
    const sandbox = kubelet.view.sandboxId('default', 'plain') ?? ''
    t.match((await engine.inspect(sandbox))?.name, /^k8s_POD_plain_default_/)
  })

  await t.test('a second pod, warm', async t => {
    const began = performance.now()
    await client.create(
      pods,
      podOf('warm', {
        containers: ['a', 'b'].map(name => ({ name, image: busyboxImage, command: ['sleep', '1000'] })),
      }),
    )
    await phaseIs('warm', 'Running')
    const took = performance.now() - began
    t.comment(`two containers, create to Running: ${Math.round(took)} ms`)
    await client.delete(pods, 'warm', { namespace: 'default', gracePeriodSeconds: 1 })
    await gone('warm')
  })

  await t.test('init containers, env, volumes and the downward API reach the container', async t => {
    client.set<ConfigMap>({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'cfg', namespace: 'default' },
      data: { greeting: 'hello', 'a.txt': 'from a file' },
    })
    await client.create(
      pods,
      podOf('rich', {
        restartPolicy: 'Never',
        volumes: [
          { name: 'cfg', configMap: { name: 'cfg' } },
          { name: 'data', emptyDir: {} },
          { name: 'mem', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
          { name: 'info', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
        ],
        initContainers: [
          {
            name: 'init',
            image: busyboxImage,
            command: ['sh', '-c', 'echo made > /data/made'],
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
        containers: [
          {
            name: 'app',
            image: busyboxImage,
            command: ['sh', '-c'],
            args: [
              'echo "$(GREETING) $IP $(cat /cfg/a.txt /data/made /info/name | tr "\\n" " ") $(hostname) $(grep -c tmpfs.*/mem /proc/mounts) $(tail -1 /etc/hosts)" > /dev/termination-log; exit 4',
            ],
            env: [
              { name: 'GREETING', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'greeting' } } },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            ],
            volumeMounts: [
              { name: 'cfg', mountPath: '/cfg' },
              { name: 'data', mountPath: '/data' },
              { name: 'mem', mountPath: '/mem' },
              { name: 'info', mountPath: '/info' },
            ],
          },
        ],
      }),
    )
    await phaseIs('rich', 'Failed')
    const state = (await get('rich')).status?.containerStatuses?.[0]?.state?.terminated
    t.equal(state?.exitCode, 4)
    t.equal(state?.message, 'hello 10.99.0.7 from a filemade rich rich 1 10.99.0.7\trich\n')
    await until('the sandbox is gone', async () => kubelet.view.sandboxId('default', 'rich') === undefined)
    await client.delete(pods, 'rich', { namespace: 'default' })
    await gone('rich')
    await until(
      'its memory volume is unmounted',
      () => !readFileSync('/proc/self/mountinfo', 'utf8').includes('kubernetes.io~empty-dir/mem'),
    )
    t.ok(journal.changes.some(change => change.kind === 'mounts'))
  })

  await t.test('a killed pause container is replaced, and the container with it', async () => {
    const before = kubelet.view.sandboxId('default', 'plain') ?? ''
    const { pid = 0 } = (await engine.inspect(before)) ?? {}
    process.kill(pid, 'SIGKILL')
    await until('another sandbox', () => {
      const now = kubelet.view.sandboxId('default', 'plain')
      return now !== undefined && now !== before
    })
    await until('running again', async () => {
      const status = (await get('plain')).status?.containerStatuses?.[0]
      return status?.restartCount === 1 && status.ready
    })
  })

  await t.test('a container that crashes goes into back-off', async t => {
    await client.create(
      pods,
      podOf('crash', { containers: [{ name: 'app', image: busyboxImage, command: ['false'] }] }),
    )
    await until('CrashLoopBackOff', async () => {
      const status = (await get('crash')).status?.containerStatuses?.[0]
      return status?.state?.waiting?.reason === 'CrashLoopBackOff' && status.restartCount === 1
    })
    const status = (await get('crash')).status?.containerStatuses?.[0]
    t.match(status?.state?.waiting?.message, /^back-off 10s restarting failed container=app pod=crash_default\(/)
    t.equal(status?.lastState?.terminated?.exitCode, 1)
    await client.delete(pods, 'crash', { namespace: 'default' })
    await gone('crash')
  })

  await t.test(
    'an image that is not there: ErrImagePull, and a command that does not exist: the engine says why',
    async t => {
      await client.create(pods, podOf('pull', { containers: [{ name: 'app', image: 'localhost:1/nothing:1' }] }))
      await until('ErrImagePull', async () =>
        /^(ErrImagePull|ImagePullBackOff)$/.test(
          (await get('pull')).status?.containerStatuses?.[0]?.state?.waiting?.reason ?? '',
        ),
      )
      await client.create(
        pods,
        podOf('nocmd', { containers: [{ name: 'app', image: busyboxImage, command: ['/no/such'] }] }),
      )
      await until('an error that names the command', () => reasons('nocmd').some(r => /Failed: .*no\/such/.test(r)))
      for (const name of ['pull', 'nocmd']) {
        await client.delete(pods, name, { namespace: 'default' })
        await gone(name)
      }
      t.ok(reasons('pull').some(r => r.startsWith('Pulling: ')) || reasons('nocmd').length > 0)
    },
  )

  await t.test('mounted config follows its object', async t => {
    await client.create(
      pods,
      podOf('follow', {
        volumes: [{ name: 'cfg', configMap: { name: 'cfg' } }],
        containers: [
          {
            name: 'app',
            image: busyboxImage,
            command: ['sleep', '1000'],
            volumeMounts: [{ name: 'cfg', mountPath: '/cfg' }],
          },
        ],
      }),
    )
    await phaseIs('follow', 'Running')
    const uid = (await get('follow')).metadata?.uid
    const file = `${root}/kubelet/pods/${uid}/volumes/kubernetes.io~configmap/cfg/greeting`
    t.equal(readFileSync(file, 'utf8'), 'hello')
    const cfg = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true }
    await client.patch(cfg, 'cfg', { data: { greeting: 'changed' } }, { type: 'merge', namespace: 'default' })
    await until('the file changed', () => readFileSync(file, 'utf8') === 'changed')
    await client.delete(pods, 'follow', { namespace: 'default', gracePeriodSeconds: 1 })
    await gone('follow')
  })

  await t.test(
    'restarting the kubelet restarts no container, and what nobody knows any more is taken away',
    async t => {
      await client.create(pods, podOf('orphan', { hostNetwork: true }))
      await phaseIs('orphan', 'Running')
      const before = kubelet.view.container('default', 'plain', undefined, 'app')?.id
      await stop()
      const orphan = await get('orphan')
      client.remove(orphan)
      const second = await launch()
      await until(
        'the orphan is gone',
        async () => {
          const left = await engine.list({ 'io.kubernetes.pod.uid': orphan.metadata?.uid ?? '' })
          return left.length === 0 && !readdirSync(`${root}/kubelet/pods`).includes(orphan.metadata?.uid ?? '')
        },
        20_000,
      )
      await until(
        'the pod is known',
        () => second.kubelet.view.container('default', 'plain', undefined, 'app') !== undefined,
      )
      t.equal(second.kubelet.view.container('default', 'plain', undefined, 'app')?.id, before)
      t.equal((await get('plain')).status?.containerStatuses?.[0]?.restartCount, 1)
      const began = performance.now()
      await client.delete(pods, 'plain', { namespace: 'default', gracePeriodSeconds: 1 })
      await gone('plain')
      t.comment(`delete to gone: ${Math.round(performance.now() - began)} ms`)
      await until('nothing is left in the engine', async () => (await engine.list({})).length === 0)
      await until('nothing is left on disk', () => readdirSync(`${root}/kubelet/pods`).length === 0)
      t.same(readdirSync(`${root}/cni-cache/results`), [])
      await second.stop()
    },
  )

  await systemExec.run('umount', ['-l', `${root}/kubelet`])
  rmSync(`${root}/kubelet`, { recursive: true, force: true })
})
