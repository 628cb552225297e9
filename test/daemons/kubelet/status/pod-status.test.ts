import t from 'tap'
import type { Container, Pod, PodSpec, PodStatus } from 'kubernetes-types/core/v1.js'
import type { EngineContainer } from '../../../../host/container-engine.ts'
import { computePodStatus } from '../../../../daemons/kubelet/status/pod-status.ts'
import type { StatusInput } from '../../../../daemons/kubelet/status/status-input.ts'
import { qosClassOf } from '../../../../daemons/kubelet/status/qos-class.ts'
import { statusPatch } from '../../../../daemons/kubelet/status/status-patch.ts'
import { StatusWriter } from '../../../../daemons/kubelet/status/status-writer.ts'
import { containerLabels, podRuntimeOf, sandboxLabels } from '../../../../daemons/kubelet/sync/container-labels.ts'
import { localPod } from '../../../../daemons/kubelet/sync/local-pod.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { FakeClient } from '../../../../kube/client/fake-client.ts'
import { SkiffError } from '../../../../kube/errors.ts'
import { pods } from '../../../../kube/resources.ts'

const nowMs = Date.parse('2026-01-01T01:00:00Z')
const app: Container = { name: 'app', image: 'app:1' }
const ready: Container = { ...app, readinessProbe: { tcpSocket: { port: 1 } } }
const init: Container = { name: 'init', image: 'init:1' }

interface Has {
  container: Container
  state: EngineContainer['state']
  exitCode?: number
  attempt?: number
  more?: Partial<EngineContainer>
}

const inputOf = (
  spec: Partial<PodSpec>,
  has: Has[],
  more: Partial<StatusInput> & { status?: PodStatus } = {},
): StatusInput => {
  const { status = {}, ...rest } = more
  const pod = localPod({
    metadata: { name: 'p', namespace: 'n', uid: 'u' },
    spec: { containers: [app], ...spec },
    status,
  })
  const base = {
    image: 'i',
    imageId: 'sha256:1',
    pid: 1,
    exitCode: 0,
    oomKilled: false,
    error: '',
    createdAtMs: 1,
    startedAtMs: nowMs - 5000,
    finishedAtMs: nowMs - 1000,
  }
  const records = has.map(({ container, state, exitCode = 0, attempt = 0, more: extra }): EngineContainer => ({
    ...base,
    id: `${container.name}${attempt}`,
    name: container.name,
    labels: containerLabels(pod, container, { nodeName: 'x', attempt, sandboxId: 's' }),
    state,
    exitCode,
    ...extra,
  }))
  const sandbox: EngineContainer = { ...base, id: 's', name: 's', labels: sandboxLabels(pod, 'x', 0), state: 'running' }
  return {
    pod,
    runtime: podRuntimeOf([sandbox, ...records]),
    nowMs,
    hostIP: '192.0.2.1',
    podIP: '10.244.0.2',
    waiting: new Map(),
    starting: new Set(),
    probe: () => undefined,
    terminationMessage: () => undefined,
    imageId: () => undefined,
    networkReady: true,
    podEnded: false,
    ...rest,
  }
}

const brief = (input: StatusInput) => {
  const status = computePodStatus(input)
  const condition = (type: string) => status.conditions?.find(c => c.type === type)
  const first = status.containerStatuses?.[0]
  return {
    phase: status.phase,
    ready: `${condition('Ready')?.status} ${condition('Ready')?.reason ?? ''}`.trim(),
    state: Object.keys(first?.state ?? {})[0],
    reason: first?.state?.waiting?.reason ?? first?.state?.terminated?.reason,
  }
}

const running: Has = { container: app, state: 'running' }
for (const { name, input, gives } of [
  {
    name: 'before anything is there: Pending, ContainerCreating',
    input: inputOf({}, []),
    gives: { phase: 'Pending', ready: 'False ContainersNotReady', state: 'waiting', reason: 'ContainerCreating' },
  },
  {
    name: 'behind init containers: PodInitializing',
    input: inputOf({ initContainers: [init] }, [{ container: init, state: 'running' }]),
    gives: { phase: 'Pending', ready: 'False ContainersNotReady', state: 'waiting', reason: 'PodInitializing' },
  },
  {
    name: 'running: Running and Ready',
    input: inputOf({}, [running]),
    gives: { phase: 'Running', ready: 'True', state: 'running', reason: undefined },
  },
  {
    name: 'running without its readiness probe’s success: not Ready',
    input: inputOf({ containers: [ready] }, [running]),
    gives: { phase: 'Running', ready: 'False ContainersNotReady', state: 'running', reason: undefined },
  },
  {
    name: 'its readiness probe succeeded: Ready',
    input: inputOf({ containers: [ready] }, [running], { probe: () => 'success' }),
    gives: { phase: 'Running', ready: 'True', state: 'running', reason: undefined },
  },
  {
    name: 'its postStart hook runs: not running yet',
    input: inputOf({}, [running], { starting: new Set(['app0']) }),
    gives: { phase: 'Pending', ready: 'False ContainersNotReady', state: 'waiting', reason: 'ContainerCreating' },
  },
  {
    name: 'all succeeded and none restarts: Succeeded',
    input: inputOf({ restartPolicy: 'Never' }, [{ container: app, state: 'exited' }]),
    gives: { phase: 'Succeeded', ready: 'False PodCompleted', state: 'terminated', reason: 'Completed' },
  },
  {
    name: 'one failed and none restarts: Failed',
    input: inputOf({ restartPolicy: 'Never' }, [{ container: app, state: 'exited', exitCode: 2 }]),
    gives: { phase: 'Failed', ready: 'False PodFailed', state: 'terminated', reason: 'Error' },
  },
  {
    name: 'failed and will restart: Running',
    input: inputOf({}, [{ container: app, state: 'exited', exitCode: 2 }]),
    gives: { phase: 'Running', ready: 'False ContainersNotReady', state: 'terminated', reason: 'Error' },
  },
  {
    name: 'held by the back-off: CrashLoopBackOff, still Running',
    input: inputOf({}, [{ container: app, state: 'exited', exitCode: 2 }], {
      waiting: new Map([['app', { reason: 'CrashLoopBackOff' }]]),
    }),
    gives: { phase: 'Running', ready: 'False ContainersNotReady', state: 'waiting', reason: 'CrashLoopBackOff' },
  },
  {
    name: 'killed for memory: OOMKilled',
    input: inputOf({}, [{ container: app, state: 'exited', exitCode: 137, more: { oomKilled: true } }]),
    gives: { phase: 'Running', ready: 'False ContainersNotReady', state: 'terminated', reason: 'OOMKilled' },
  },
  {
    name: 'could not be started: ContainerCannotRun',
    input: inputOf({}, [
      { container: app, state: 'exited', exitCode: 127, more: { error: 'no such file', startedAtMs: 0 } },
    ]),
    gives: { phase: 'Running', ready: 'False ContainersNotReady', state: 'terminated', reason: 'ContainerCannotRun' },
  },
  {
    name: 'could not be started and never restarts: Failed with how it ended',
    input: inputOf(
      { restartPolicy: 'Never' },
      [{ container: app, state: 'exited', exitCode: 127, more: { error: 'no such file', startedAtMs: 0 } }],
      { waiting: new Map([['app', { reason: 'RunContainerError' }]]) },
    ),
    gives: { phase: 'Failed', ready: 'False PodFailed', state: 'terminated', reason: 'ContainerCannotRun' },
  },
  {
    name: 'an image that cannot be pulled: Pending with the reason',
    input: inputOf({}, [], { waiting: new Map([['app', { reason: 'ImagePullBackOff' }]]) }),
    gives: { phase: 'Pending', ready: 'False ContainersNotReady', state: 'waiting', reason: 'ImagePullBackOff' },
  },
  {
    name: 'a failed init container of a pod that never restarts: Failed',
    input: inputOf({ initContainers: [init], restartPolicy: 'Never' }, [
      { container: init, state: 'exited', exitCode: 1 },
    ]),
    gives: { phase: 'Failed', ready: 'False PodFailed', state: 'waiting', reason: 'PodInitializing' },
  },
  {
    name: 'past its deadline: Failed',
    input: inputOf({}, [{ container: app, state: 'exited' }], { failed: { reason: 'DeadlineExceeded', message: 'm' } }),
    gives: { phase: 'Failed', ready: 'False PodFailed', state: 'terminated', reason: 'Completed' },
  },
  {
    name: 'ended for its deletion: by how its containers ended',
    input: inputOf({}, [{ container: app, state: 'exited', exitCode: 143 }], { podEnded: true }),
    gives: { phase: 'Failed', ready: 'False PodFailed', state: 'terminated', reason: 'Error' },
  },
  {
    name: 'a terminal phase stays',
    input: inputOf({}, [running], { status: { phase: 'Succeeded' } }),
    gives: { phase: 'Succeeded', ready: 'False PodCompleted', state: 'running', reason: undefined },
  },
  {
    name: 'a readiness gate that nobody answered',
    input: inputOf({ readinessGates: [{ conditionType: 'x/y' }] }, [running]),
    gives: { phase: 'Running', ready: 'False ReadinessGatesNotReady', state: 'running', reason: undefined },
  },
])
  void t.test(name, async t => t.same(brief(input), gives))

void t.test(
  'an init container that has not begun waits for the initialisation, which kubectl shows as Init:0/1',
  async t =>
    t.match(computePodStatus(inputOf({ initContainers: [init] }, [])).initContainerStatuses, [
      { state: { waiting: { reason: 'PodInitializing' } } },
    ]),
)

void t.test('restarts: count, last state, and the message it left', async t => {
  const status = computePodStatus(
    inputOf(
      {},
      [
        { ...running, attempt: 2 },
        { container: app, state: 'exited', exitCode: 7, attempt: 1 },
      ],
      { terminationMessage: () => 'bye' },
    ),
  )
  t.match(status.containerStatuses?.[0], {
    restartCount: 2,
    containerID: 'docker://app2',
    started: true,
    lastState: { terminated: { exitCode: 7, message: 'bye', containerID: 'docker://app1' } },
  })
})

void t.test('a condition keeps its time while it does not change; others’ conditions stay', async t => {
  const old = '2025-01-01T00:00:00Z'
  const status = computePodStatus(
    inputOf({}, [running], {
      status: {
        startTime: old,
        conditions: [
          { type: 'Ready', status: 'True', lastTransitionTime: old },
          { type: 'ContainersReady', status: 'False', lastTransitionTime: old },
          { type: 'x/y', status: 'True', lastTransitionTime: old },
        ],
      },
    }),
  )
  const time = (type: string) => status.conditions?.find(c => c.type === type)?.lastTransitionTime
  t.equal(time('Ready'), old)
  t.equal(time('ContainersReady'), '2026-01-01T01:00:00Z')
  t.equal(time('x/y'), old)
  t.equal(status.startTime, old)
})

for (const { name, resources, gives } of [
  { name: 'nothing asked for', resources: {}, gives: 'BestEffort' },
  { name: 'limits for both', resources: { limits: { cpu: '1', memory: '1Gi' } }, gives: 'Guaranteed' },
  {
    name: 'a request below its limit',
    resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } },
    gives: 'Burstable',
  },
  { name: 'a request alone', resources: { requests: { memory: '1Gi' } }, gives: 'Burstable' },
])
  void t.test(`${name} is ${gives}`, async t => t.equal(qosClassOf({ containers: [{ name: 'a', resources }] }), gives))

void t.test('a patch holds what changed, null for what went, nothing of others', async t => {
  t.same(statusPatch({ phase: 'Pending', reason: 'x', nominatedNodeName: 'n' }, { phase: 'Running' }), {
    phase: 'Running',
    reason: null,
  })
  t.equal(statusPatch({ phase: 'Running' }, { phase: 'Running' }), undefined)
})

void t.test('the writer writes the newest status once, and again when the API comes back', async t => {
  const client = new FakeClient()
  const stop = new AbortController()
  const clock = new FakeClock()
  const object = client.set<Pod>({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n' },
    spec: { containers: [app] },
    status: {},
  })
  const pod = localPod(object)
  const errors: unknown[] = []
  const writer = new StatusWriter(client, { clock, signal: stop.signal, onError: (_, error) => errors.push(error) })
  let down = true
  client.intercept = () => {
    if (down) throw new SkiffError('UNAVAILABLE', 'away')
  }
  writer.set(pod, { phase: 'Pending' })
  writer.set(pod, { phase: 'Running' })
  await clock.advance(0)
  t.equal(errors.length, 1)
  down = false
  await clock.advance(1000)
  await writer.flush(pod.uid)
  t.equal((await client.get(pods, 'p', { namespace: 'n' })).status?.phase, 'Running')
  const written = client.calls.length
  writer.set(pod, { phase: 'Running' })
  await writer.flush(pod.uid)
  t.equal(client.calls.length, written)
  stop.abort()
})
