import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { ConfigMap } from 'kubernetes-types/core/v1.js'
import { busyboxImage } from '../../host/docker/local-images.ts'
import { configMaps } from '../../kube/resources.ts'
import { kubeletHarness, podOf, until } from './kubelet-harness.ts'

const root = '/tmp/skiff-e2e-kubelet'

/** A network of one address: enough to see that plugins are run; kubelet-network.test.ts has the real ones. */
const fakePlugin = `#!/bin/sh
case "$CNI_COMMAND" in
ADD) echo '{"cniVersion":"1.0.0","ips":[{"address":"10.99.0.7/24"}]}' ;;
esac
exit 0
`

void t.test('whole pods on a real Engine', async t => {
  const harness = await kubeletHarness(root)
  t.teardown(() => harness.stop())
  const { client, engine, journal, launch, get, create, phaseIs, readyIs, remove, reasons } = harness
  writeFileSync(`${harness.binDir}/fake`, fakePlugin, { mode: 0o755 })
  writeFileSync(
    `${harness.confDir}/10-fake.conflist`,
    JSON.stringify({ cniVersion: '1.0.0', name: 'fake', plugins: [{ type: 'fake' }] }),
  )
  const { kubelet, stop } = await launch()

  await t.test('a pod runs: sandbox, address, statuses, events', async t => {
    const began = performance.now()
    await create(podOf('plain', {}))
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
    await create(
      podOf('warm', {
        containers: ['a', 'b'].map(name => ({ name, image: busyboxImage, command: ['sleep', '1000'] })),
      }),
    )
    await phaseIs('warm', 'Running')
    const took = performance.now() - began
    t.comment(`two containers, create to Running: ${Math.round(took)} ms`)
    await remove('warm')
  })

  await t.test('init containers, env, volumes and the downward API reach the container', async t => {
    client.set<ConfigMap>({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'cfg', namespace: 'default' },
      data: { greeting: 'hello', 'a.txt': 'from a file' },
    })
    await create(
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
    await remove('rich')
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
    await create(podOf('crash', { containers: [{ name: 'app', image: busyboxImage, command: ['false'] }] }))
    await until('CrashLoopBackOff', async () => {
      const status = (await get('crash')).status?.containerStatuses?.[0]
      return status?.state?.waiting?.reason === 'CrashLoopBackOff' && status.restartCount === 1
    })
    const status = (await get('crash')).status?.containerStatuses?.[0]
    t.match(status?.state?.waiting?.message, /^back-off 10s restarting failed container=app pod=crash_default\(/)
    t.equal(status?.lastState?.terminated?.exitCode, 1)
    await remove('crash')
  })

  await t.test(
    'an image that is not there: ErrImagePull, and a command that does not exist: the engine says why',
    async t => {
      await create(podOf('pull', { containers: [{ name: 'app', image: 'localhost:1/nothing:1' }] }))
      await until('ErrImagePull', async () =>
        /^(ErrImagePull|ImagePullBackOff)$/.test(
          (await get('pull')).status?.containerStatuses?.[0]?.state?.waiting?.reason ?? '',
        ),
      )
      await create(podOf('nocmd', { containers: [{ name: 'app', image: busyboxImage, command: ['/no/such'] }] }))
      await until('an error that names the command', () => reasons('nocmd').some(r => /Failed: .*no\/such/.test(r)))
      for (const name of ['pull', 'nocmd']) {
        await remove(name)
      }
      t.ok(reasons('pull').some(r => r.startsWith('Pulling: ')) || reasons('nocmd').length > 0)
    },
  )

  await t.test('mounted config follows its object', async t => {
    await create(
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
    await client.patch(configMaps, 'cfg', { data: { greeting: 'changed' } }, { type: 'merge', namespace: 'default' })
    await until('the file changed', () => readFileSync(file, 'utf8') === 'changed')
    await remove('follow')
  })

  await t.test('hooks and probes run in the container', async t => {
    await create(
      podOf('hooks', {
        volumes: [{ name: 'd', hostPath: { path: `${root}/hooks`, type: 'DirectoryOrCreate' } }],
        containers: [
          {
            name: 'app',
            image: busyboxImage,
            command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'],
            volumeMounts: [{ name: 'd', mountPath: '/d' }],
            lifecycle: {
              postStart: { exec: { command: ['sh', '-c', 'echo started > /d/post'] } },
              preStop: { exec: { command: ['sh', '-c', 'echo stopping > /d/pre'] } },
            },
            readinessProbe: { exec: { command: ['cat', '/d/ready'] }, periodSeconds: 1 },
            livenessProbe: { exec: { command: ['test', '!', '-e', '/d/sick'] }, periodSeconds: 1, failureThreshold: 1 },
          },
        ],
      }),
    )
    await phaseIs('hooks', 'Running')
    await readyIs('hooks', 'False')
    t.equal(readFileSync(`${root}/hooks/post`, 'utf8'), 'started\n')
    await until('an Unhealthy event', () =>
      reasons('hooks').some(r => r.startsWith('Unhealthy: Readiness probe failed:')),
    )
    writeFileSync(`${root}/hooks/ready`, '')
    await readyIs('hooks', 'True')
    writeFileSync(`${root}/hooks/sick`, '')
    await until('a restart', async () => (await get('hooks')).status?.containerStatuses?.[0]?.restartCount === 1)
    t.ok(reasons('hooks').includes('Killing: Container app failed liveness probe, will be restarted'))
    t.equal(readFileSync(`${root}/hooks/pre`, 'utf8'), 'stopping\n')
    await remove('hooks', 5)
  })

  await t.test(
    'restarting the kubelet restarts no container, and what nobody knows any more is taken away',
    async t => {
      await create(podOf('orphan', { hostNetwork: true }))
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
      await remove('plain')
      t.comment(`delete to gone: ${Math.round(performance.now() - began)} ms`)
      await until('nothing is left in the engine', async () => (await engine.list({})).length === 0)
      await until('nothing is left on disk', () => readdirSync(`${root}/kubelet/pods`).length === 0)
      t.same(readdirSync(`${root}/cni-cache/results`), [])
      await second.stop()
    },
  )
})
