import t from 'tap'
import { pino } from 'pino'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { FakeEngine, FakeImages } from '../../../../host/container-engine-fake.ts'
import { FakeClient } from '../../../../kube/client/fake-client.ts'
import { SkiffError } from '../../../../kube/errors.ts'
import { leases, nodes } from '../../../../kube/resources.ts'
import { NodeAgent } from '../../../../daemons/kubelet/node/node-agent.ts'
import { differs, missingLabels, nodeObject, nodeStatus } from '../../../../daemons/kubelet/node/node-object.ts'
import { dockerSocketOf } from '../../../../daemons/kubelet/docker-parts.ts'

const machine = {
  hostname: 'node-1',
  architecture: 'amd64',
  kernelVersion: '6',
  osImage: 'Debian',
  machineId: 'm',
  bootId: 'b',
  systemUuid: 's',
  cpus: 2,
  memoryBytes: 4096 * 1024,
  storageBytes: 1024 * 1024,
}
const input = {
  name: 'node-1',
  nodeIp: '192.0.2.1',
  port: 10250,
  maxPods: 110,
  machine,
  pressure: { memoryAvailableBytes: 1 << 30, storageAvailableBytes: 50, storageBytes: 100 },
  runtimeVersion: 'docker://20.10.24',
  images: [{ id: 'i', tags: ['a:1'], digests: [], sizeBytes: 5, user: '' }],
  notReady: '',
  nowMs: Date.parse('2026-01-01T00:00:00Z'),
}
const condition = (status: ReturnType<typeof nodeStatus>, type: string) => status.conditions?.find(c => c.type === type)

void t.test('a node says what it is', async t => {
  t.match(nodeObject(input), {
    metadata: {
      name: 'node-1',
      labels: { 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: '192.0.2.1' },
        { type: 'Hostname', address: 'node-1' },
      ],
      capacity: { cpu: '2', memory: '4096Ki', pods: '110', 'ephemeral-storage': '1024Ki' },
      nodeInfo: { kubeletVersion: 'v1.34.0+skiff.0.1.0', containerRuntimeVersion: 'docker://20.10.24' },
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      images: [{ names: ['a:1'], sizeBytes: 5 }],
    },
  })
})

void t.test('conditions: upstream’s reasons, pressure, and why it is not ready', async t => {
  t.match(condition(nodeStatus(input), 'Ready'), { status: 'True', reason: 'KubeletReady' })
  t.match(condition(nodeStatus({ ...input, notReady: 'cni config uninitialized' }), 'Ready'), {
    status: 'False',
    reason: 'KubeletNotReady',
    message: 'cni config uninitialized',
  })
  const low = { memoryAvailableBytes: 1, storageAvailableBytes: 1, storageBytes: 100 }
  t.match(condition(nodeStatus({ ...input, pressure: low }), 'MemoryPressure'), {
    status: 'True',
    reason: 'KubeletHasInsufficientMemory',
  })
  t.match(condition(nodeStatus({ ...input, pressure: low }), 'DiskPressure'), {
    status: 'True',
    reason: 'KubeletHasDiskPressure',
  })
})

void t.test('a heartbeat alone is no difference; times of transition stay', async t => {
  const before = nodeStatus(input)
  const later = nodeStatus({ ...input, nowMs: input.nowMs + 10_000 }, before)
  t.notOk(differs(before, later))
  t.equal(condition(later, 'Ready')?.lastTransitionTime, condition(before, 'Ready')?.lastTransitionTime)
  t.ok(differs(before, nodeStatus({ ...input, notReady: 'x' }, before)))
  t.same(
    missingLabels(input, { metadata: { labels: { 'kubernetes.io/hostname': 'other' } } })['kubernetes.io/hostname'],
    'node-1',
  )
})

void t.test('the agent registers, renews its lease, tells a change at once, and waits for the API', async t => {
  const clock = new FakeClock()
  const client = new FakeClient().useClock(clock)
  const stop = new AbortController()
  let notReady = 'no network'
  let away = true
  client.intercept = () => {
    if (away) throw new SkiffError('UNAVAILABLE', 'away')
  }
  const agent = new NodeAgent({
    client,
    engine: new FakeEngine(),
    images: new FakeImages(),
    clock,
    signal: stop.signal,
    log: pino({ level: 'silent' }),
    name: 'node-1',
    nodeIp: '192.0.2.1',
    port: 10250,
    maxPods: 110,
    rootDir: t.testdir(),
    machine,
    register: true,
    leaseDurationSeconds: 40,
    reportMs: 300_000,
    pressure: async () => input.pressure,
    notReady: () => notReady,
  })
  const done = agent.run()
  const settle = async () => {
    for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve))
  }
  await settle()
  t.equal(agent.node, undefined)
  away = false
  await clock.advance(200)
  await settle()
  const ready = async () =>
    (await client.get(nodes, 'node-1')).status?.conditions?.find(c => c.type === 'Ready')?.status
  t.equal(await ready(), 'False')
  const lease: Lease = await client.get(leases, 'node-1', { namespace: 'kube-node-lease' })
  t.match(lease.spec, { holderIdentity: 'node-1', leaseDurationSeconds: 40, renewTime: /\.\d{6}Z$/ })
  notReady = ''
  agent.poke()
  await settle()
  t.equal(await ready(), 'True')
  const writes = () => client.calls.filter(c => c.resource === nodes).length
  const before = writes()
  await clock.advance(10_000)
  await settle()
  t.equal(writes(), before)
  t.not((await client.get(leases, 'node-1', { namespace: 'kube-node-lease' })).spec?.renewTime, lease.spec?.renewTime)
  stop.abort(new Error('over'))
  await done
})

void t.test('a CRI endpoint is refused by name', async t => {
  t.equal(dockerSocketOf('unix:///var/run/docker.sock'), '/var/run/docker.sock')
  t.throws(() => dockerSocketOf('unix:///run/containerd/containerd.sock'), {
    code: 'NOT_IMPLEMENTED',
    message: /containerd\.sock/,
  })
  t.throws(() => dockerSocketOf('tcp://x'), { code: 'INVALID_INPUT' })
})
