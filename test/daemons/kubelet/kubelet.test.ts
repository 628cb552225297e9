import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Event, Pod, PodSpec } from 'kubernetes-types/core/v1.js'
import { FakeClock } from '../../../host/clock-fake.ts'
import { FakeEngine, FakeImages } from '../../../host/container-engine-fake.ts'
import { FakeExec } from '../../../host/exec-fake.ts'
import { FakeJournal } from '../../../host/journal.ts'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import { SkiffError } from '../../../kube/errors.ts'
import { resolveOptions } from '../../../kube/options.ts'
import { events, pods } from '../../../kube/resources.ts'
import { options } from '../../../daemons/kubelet/options.ts'
import { start } from '../../../daemons/kubelet/start.ts'
import { FakeStreams } from './fake-streams.ts'

/** Real files are written on the way: turns of the event loop until something holds, and a bound on them. */
const until = async (what: string, check: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 200_000; turn++) {
    if (check()) return
    await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error(`never came true: ${what}`)
}

const setUp = async (t: Test, network = true) => {
  const directory = t.testdir({ 'net.d': {} })
  const conflist = JSON.stringify({ cniVersion: '1.0.0', name: 'net', plugins: [{ type: 'fake' }] })
  const addNetwork = () => writeFileSync(join(directory, 'net.d', '10.conflist'), conflist)
  if (network) addNetwork()
  const clock = new FakeClock()
  const engine = new FakeEngine(() => clock.now())
  const images = new FakeImages('skiff/pause:3', 'app:1')
  const streams = new FakeStreams()
  const exec = new FakeExec(() => ({ stdout: '{"cniVersion":"1.0.0","ips":[{"address":"10.244.0.5/24"}]}' }))
  const client = new FakeClient().useClock(clock)
  const stop = new AbortController()
  const rootDir = join(directory, 'root')
  mkdirSync(rootDir)
  const settings = resolveOptions(options, {
    hostnameOverride: 'node-1',
    nodeIp: '192.0.2.1',
    rootDir,
    cniConfDir: join(directory, 'net.d'),
    cniCacheDir: join(directory, 'cache'),
    registerNode: true,
  })
  const context = { signal: stop.signal, log: pino({ level: 'silent' }), journal: new FakeJournal(), client }
  const kubelet = await start(settings, context, { clock, engine, images, streams, exec })
  t.teardown(async () => {
    stop.abort(new Error('over'))
    await kubelet.done
  })
  const pod = (name = 'p'): Pod | undefined => client.objects<Pod>(pods).find(p => p.metadata?.name === name)
  const status = (name = 'p') => pod(name)?.status?.containerStatuses?.[0]
  const create = (spec: Partial<PodSpec> = {}, name = 'p') =>
    client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'n' },
      spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'app:1' }], ...spec },
    })
  const said = () => client.objects<Event>(events).map(e => `${e.reason}: ${e.message}`)
  const running = (name = 'p') => until(`${name} is Running`, () => pod(name)?.status?.phase === 'Running')
  return { addNetwork, clock, engine, images, streams, exec, client, kubelet, pod, status, create, said, running }
}

void t.test('a pod comes up: pause, network, container; and goes: container, network, pause, object', async t => {
  const { create, running, pod, engine, exec, client, kubelet } = await setUp(t)
  await create()
  await running()
  t.match(pod()?.status, { podIP: '10.244.0.5', hostIP: '192.0.2.1', qosClass: 'BestEffort' })
  t.match(
    engine.calls.map(c => c.split('_').slice(0, 2).join('_')),
    ['create k8s_POD', 'start k8s_POD', 'create k8s_app', 'start k8s_app'],
  )
  t.match(engine.named('k8s_app')?.spec.network, /^container:/)
  t.match(kubelet.view.pods(), [{ status: { phase: 'Running' } }])
  await client.delete(pods, 'p', { namespace: 'n', gracePeriodSeconds: 7 })
  await until('the pod is gone', () => pod() === undefined && engine.containers.size === 0)
  t.ok(engine.calls.some(c => /^stop k8s_app.* 7$/.test(c)))
  t.equal(exec.calls.filter(c => c.file.endsWith('/fake')).length, 2)
  t.equal(kubelet.view.sandboxId('n', 'p'), undefined)
})

void t.test('a crash is restarted at once, then held back for 10 s, then 20 s', async t => {
  const { create, running, engine, status, clock, said } = await setUp(t)
  await create()
  await running()
  const crash = async (restartCount: number) => {
    await until(
      `restart ${restartCount}`,
      () => status()?.restartCount === restartCount && status()?.state?.running !== undefined,
    )
    engine.exit(engine.named('k8s_app')?.id ?? '', 1)
  }
  await crash(0)
  await crash(1)
  for (const [restartCount, seconds] of [
    [2, 10],
    [3, 20],
  ] as const) {
    await until('CrashLoopBackOff', () => status()?.state?.waiting?.reason === 'CrashLoopBackOff')
    t.match(status()?.state?.waiting?.message, `back-off ${seconds}s restarting failed container=app pod=p_n(`)
    t.match(status()?.lastState?.terminated, { exitCode: 1, reason: 'Error' })
    const before = engine.calls.length
    await clock.advance(seconds * 1000 - 1)
    t.equal(engine.calls.filter(c => c.startsWith('start k8s_app')).length, restartCount)
    t.ok(engine.calls.length >= before)
    await clock.advance(1)
    await crash(restartCount)
  }
  t.ok(said().some(e => e.startsWith('BackOff: Back-off restarting failed container app in pod p_n(')))
})

void t.test('a network that fails is told, undone and tried again', async t => {
  const { create, running, engine, exec, clock, said } = await setUp(t)
  const { answer } = exec
  // The first ADD fails; the DELs that follow do not.
  exec.answer = call => {
    if (!call.file.endsWith('/fake')) return {}
    exec.answer = answer
    return { exitCode: 1, stdout: '{"code":11,"msg":"no more addresses"}' }
  }
  await create()
  const told =
    'FailedCreatePodSandBox: Failed to create pod sandbox: plugin type="fake" failed (add): no more addresses'
  await until('the event', () => said().includes(told))
  await until('nothing is left', () => engine.containers.size === 0)
  await until('it sleeps before the next try', () => clock.sleeping > 0)
  for (let i = 0; i < 20; i++) await clock.advance(100)
  await running()
})

void t.test('without a network config pods wait, and start as soon as there is one', async t => {
  const { create, running, said, addNetwork, engine, client } = await setUp(t, false)
  await create()
  await until('the event', () => said().some(e => e.startsWith('NetworkNotReady: ')))
  t.equal(engine.containers.size, 0)
  await create({ hostNetwork: true }, 'host')
  await running('host')
  addNetwork()
  await running()
  const node = () => client.calls.filter(c => c.resource.plural === 'nodes').length
  t.ok(node() > 0)
})

void t.test('an image with an impossible name is told once and waited for, and others go on', async t => {
  const { create, running, said, status, clock } = await setUp(t)
  await create({ containers: [{ name: 'app', image: 'Bad Image' }] }, 'bad')
  await until('InvalidImageName', () => status('bad')?.state?.waiting?.reason === 'InvalidImageName')
  await create()
  await running()
  t.equal(said().filter(e => e.startsWith('InspectFailed: ')).length, 1)
  t.ok(clock.sleeping > 0)
})

void t.test('a pod with a sysctl that is not allowed fails, and nothing is made for it', async t => {
  const { create, said, pod, engine } = await setUp(t)
  await create({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } })
  await until('Failed', () => pod()?.status?.phase === 'Failed')
  const message = 'forbidden sysctl: "kernel.msgmax" not allowlisted'
  t.match(pod()?.status, { reason: 'SysctlForbidden', message: `Pod was rejected: ${message}` })
  t.equal(pod()?.status?.containerStatuses, undefined, 'kubectl shows the reason, not that a container is being made')
  t.ok(said().includes(`SysctlForbidden: ${message}`))
  t.equal(engine.calls.length, 0)
})

void t.test('a mount that fails names the volume, and the pod starts when it can', async t => {
  const { create, running, said, client, clock, status } = await setUp(t)
  await create({ volumes: [{ name: 'v', configMap: { name: 'late' } }] })
  await until('the event', () =>
    said().includes('FailedMount: MountVolume.SetUp failed for volume "v" : configmap "late" not found'),
  )
  t.equal(status()?.state?.waiting?.reason, 'ContainerCreating')
  client.set({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late', namespace: 'n' } })
  for (let i = 0; i < 50; i++) await clock.advance(100)
  await running()
})

void t.test('a reference in env that is not there: CreateContainerConfigError', async t => {
  const { create, status } = await setUp(t)
  const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'no', key: 'k' } } }]
  await create({ containers: [{ name: 'app', image: 'app:1', env }] })
  await until('the reason', () => status()?.state?.waiting?.reason === 'CreateContainerConfigError')
  t.equal(status()?.state?.waiting?.message, 'secret "no" not found')
})

void t.test('containers of a pod do not wait for each other', async t => {
  const { create, engine, pod, images } = await setUp(t)
  images.pull = () => new Promise(() => {})
  await create({
    containers: [
      { name: 'app', image: 'app:1' },
      { name: 'slow', image: 'slow:1' },
    ],
  })
  await until('app runs', () => pod()?.status?.containerStatuses?.[0]?.state?.running !== undefined)
  engine.exit(engine.named('k8s_app')?.id ?? '', 1)
  await until('app was restarted', () => pod()?.status?.containerStatuses?.[0]?.restartCount === 1)
  t.equal(pod()?.status?.phase, 'Pending')
})

void t.test('hooks: preStop runs before the signal, a postStart that fails kills its container', async t => {
  const { create, running, client, engine, streams, said, pod } = await setUp(t)
  const hook = (command: string) => ({ exec: { command: [command] } })
  await create({ containers: [{ name: 'app', image: 'app:1', lifecycle: { preStop: hook('pre') } }] })
  await running()
  streams.run = async () => {
    t.notOk(engine.calls.some(c => c.startsWith('stop k8s_app_p_')))
    return 0
  }
  await client.delete(pods, 'p', { namespace: 'n', gracePeriodSeconds: 30 })
  await until('it is gone', () => pod() === undefined)
  t.same(
    streams.ran.map(r => r.command),
    [['pre']],
  )
  streams.run = async () => 1
  await create({ containers: [{ name: 'app', image: 'app:1', lifecycle: { postStart: hook('post') } }] }, 'q')
  await until('the event', () => said().includes('FailedPostStartHook: PostStartHook failed'))
  await until('it was stopped', () => engine.calls.some(c => c.startsWith('stop k8s_app_q_')))
})

void t.test('while the API is away pods keep running, and their status is written when it is back', async t => {
  const { create, running, engine, client, clock, status } = await setUp(t)
  await create()
  await running()
  client.intercept = () => {
    throw new SkiffError('UNAVAILABLE', 'away')
  }
  engine.exit(engine.named('k8s_app')?.id ?? '', 1)
  await until('restarted', () => engine.named('k8s_app')?.name.endsWith('_1') === true)
  t.equal(status()?.restartCount, 0)
  client.intercept = () => {}
  for (let i = 0; i < 30; i++) await clock.advance(1000)
  await until('written', () => status()?.restartCount === 1)
})

void t.test('containers whose pod the API does not have are taken away, others are left alone', async t => {
  const { create, running, engine, clock } = await setUp(t)
  await create()
  await running()
  const stray = engine.named('k8s_app')
  if (stray === undefined) return t.fail('no container')
  const labels = { ...stray.labels, 'io.kubernetes.pod.uid': 'nobody' }
  engine.containers.set('stray', { ...stray, id: 'stray', name: 'stray', labels })
  engine.containers.set('other', { ...stray, id: 'other', name: 'other', labels: {} })
  await clock.advance(61_000)
  await until('the stray one is gone', () => !engine.containers.has('stray'))
  t.ok(engine.containers.has('other') && engine.containers.has(stray.id))
})
