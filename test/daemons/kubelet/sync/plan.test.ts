import t from 'tap'
import type { Container, PodSpec, PodStatus } from 'kubernetes-types/core/v1.js'
import type { EngineContainer } from '../../../../host/container-engine.ts'
import {
  containerHash,
  containerLabels,
  podRuntimeOf,
  sandboxLabels,
} from '../../../../daemons/kubelet/sync/container-labels.ts'
import { localPod } from '../../../../daemons/kubelet/sync/local-pod.ts'
import { computePodActions, type Action } from '../../../../daemons/kubelet/sync/plan.ts'

const now = Date.parse('2026-01-01T01:00:00Z')
const app: Container = { name: 'app', image: 'app:1' }
const other: Container = { name: 'other', image: 'other:1' }
const first: Container = { name: 'first', image: 'init:1' }
const second: Container = { name: 'second', image: 'init:1' }
const side: Container = { name: 'side', image: 'side:1', restartPolicy: 'Always' }

const podOf = (spec: Partial<PodSpec>, status: PodStatus = {}) =>
  localPod({ metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [app], ...spec }, status })

type Pod = ReturnType<typeof podOf>

const record = (id: string, labels: Record<string, string>, state: Partial<EngineContainer>): EngineContainer => ({
  id,
  name: id,
  image: 'i',
  imageId: 'i',
  labels,
  state: 'running',
  pid: 1,
  exitCode: 0,
  oomKilled: false,
  error: '',
  createdAtMs: 1,
  startedAtMs: 2,
  finishedAtMs: 0,
  ...state,
})

const sandbox = (pod: Pod, attempt = 0, state: EngineContainer['state'] = 'running') =>
  record(`sandbox-${attempt}`, sandboxLabels(pod, 'node', attempt), { state })

const running = (pod: Pod, container: Container, attempt = 0, sandboxId = 'sandbox-0') =>
  record(`${container.name}-${attempt}`, containerLabels(pod, container, { nodeName: 'node', attempt, sandboxId }), {})

const exited = (pod: Pod, container: Container, exitCode: number, attempt = 0, sandboxId = 'sandbox-0') => ({
  ...running(pod, container, attempt, sandboxId),
  state: 'exited' as const,
  exitCode,
  finishedAtMs: now - 1000,
})

interface Case {
  name: string
  pod: Pod
  has: (pod: Pod) => EngineContainer[]
  probes?: Record<string, 'success' | 'failure'>
  networkReady?: boolean
  backOffUntilMs?: number
  actions: Action[]
  wakeAtMs?: number
}

const start = (name: string, attempt = 0, failedAtMs?: number): Action => ({
  kind: 'start-container',
  name,
  attempt,
  ...(failedAtMs === undefined ? {} : { failedAtMs }),
})

const cases: Case[] = [
  {
    name: 'a new pod gets a sandbox',
    pod: podOf({}),
    has: () => [],
    actions: [{ kind: 'create-sandbox', attempt: 0 }],
  },
  {
    name: 'with its sandbox standing, all containers start together',
    pod: podOf({ containers: [app, other] }),
    has: pod => [sandbox(pod)],
    actions: [start('app'), start('other')],
  },
  {
    name: 'a pod whose containers run needs nothing',
    pod: podOf({}),
    has: pod => [sandbox(pod), running(pod, app)],
    actions: [],
  },
  {
    name: 'a killed pause container replaces the whole sandbox',
    pod: podOf({}),
    has: pod => [sandbox(pod, 0, 'exited'), running(pod, app)],
    actions: [
      { kind: 'kill-pod', reason: 'SandboxChanged' },
      { kind: 'create-sandbox', attempt: 1 },
    ],
  },
  {
    name: 'a sandbox without a network is replaced',
    pod: podOf({}),
    has: pod => [sandbox(pod)],
    networkReady: false,
    actions: [
      { kind: 'kill-pod', reason: 'SandboxChanged' },
      { kind: 'create-sandbox', attempt: 1 },
    ],
  },
  {
    name: 'a pod that never restarts gets no second sandbox once it ran',
    pod: podOf({ restartPolicy: 'Never' }),
    has: pod => [sandbox(pod, 0, 'exited'), running(pod, app)],
    actions: [{ kind: 'kill-pod', reason: 'SandboxChanged' }],
  },
  {
    name: 'containers of the last sandbox start in the new one with a higher number',
    pod: podOf({}),
    has: pod => [sandbox(pod, 1), sandbox(pod, 0, 'exited'), exited(pod, app, 137)],
    actions: [start('app', 1, now - 1000)],
  },
  {
    name: 'an ended container restarts under Always',
    pod: podOf({}),
    has: pod => [sandbox(pod), exited(pod, app, 0)],
    actions: [start('app', 1, now - 1000)],
  },
  {
    name: 'a failed container restarts under OnFailure',
    pod: podOf({ restartPolicy: 'OnFailure', containers: [app, other] }),
    has: pod => [sandbox(pod), exited(pod, app, 1), exited(pod, other, 0)],
    actions: [start('app', 1, now - 1000)],
  },
  {
    name: 'the back-off holds a restart and says until when',
    pod: podOf({}),
    has: pod => [sandbox(pod), exited(pod, app, 1)],
    backOffUntilMs: now + 9000,
    actions: [{ kind: 'back-off', name: 'app', untilMs: now + 9000, delayMs: 10_000 }],
    wakeAtMs: now + 9000,
  },
  {
    name: 'a back-off that passed holds nothing',
    pod: podOf({}),
    has: pod => [sandbox(pod), exited(pod, app, 1)],
    backOffUntilMs: now - 1,
    actions: [start('app', 1, now - 1000)],
  },
  {
    name: 'a pod of which nothing will run again is ended',
    pod: podOf({ restartPolicy: 'OnFailure' }),
    has: pod => [sandbox(pod), exited(pod, app, 0)],
    actions: [{ kind: 'kill-pod', reason: 'Finished' }],
  },
  {
    name: 'a pod that ended and has no sandbox any more stays as it is',
    pod: podOf({ restartPolicy: 'Never' }),
    has: pod => [exited(pod, app, 1)],
    actions: [],
  },
  {
    name: 'a pod in a terminal phase is never started again',
    pod: podOf({}, { phase: 'Failed' }),
    has: () => [],
    actions: [],
  },
  {
    name: 'a container that failed its liveness probe is killed and starts again at once',
    pod: podOf({}),
    has: pod => [sandbox(pod), running(pod, app)],
    probes: { 'app-0/liveness': 'failure' },
    actions: [
      {
        kind: 'kill-container',
        id: 'app-0',
        name: 'app',
        probe: 'liveness',
        message: 'Container app failed liveness probe, will be restarted',
      },
      start('app', 1),
    ],
  },
  {
    name: 'a second failed liveness probe waits for the back-off of the run before it',
    pod: podOf({}),
    has: pod => [sandbox(pod), exited(pod, app, 137, 0), running(pod, app, 1)],
    probes: { 'app-1/liveness': 'failure' },
    backOffUntilMs: now + 9000,
    actions: [
      {
        kind: 'kill-container',
        id: 'app-1',
        name: 'app',
        probe: 'liveness',
        message: 'Container app failed liveness probe, will be restarted',
      },
    ],
  },
  {
    name: 'a second failed liveness probe after the back-off starts again at once, and lengthens it',
    pod: podOf({}),
    has: pod => [sandbox(pod), exited(pod, app, 137, 0), running(pod, app, 1)],
    probes: { 'app-1/liveness': 'failure' },
    actions: [
      {
        kind: 'kill-container',
        id: 'app-1',
        name: 'app',
        probe: 'liveness',
        message: 'Container app failed liveness probe, will be restarted',
      },
      start('app', 2, now - 1000),
    ],
  },
  {
    name: 'under Never it is killed and stays down',
    pod: podOf({ restartPolicy: 'Never' }),
    has: pod => [sandbox(pod), running(pod, app)],
    probes: { 'app-0/startup': 'failure' },
    actions: [
      {
        kind: 'kill-container',
        id: 'app-0',
        name: 'app',
        probe: 'startup',
        message: 'Container app failed startup probe',
      },
    ],
  },
  {
    name: 'a container whose image was changed is replaced',
    pod: podOf({ containers: [{ ...app, image: 'app:2' }] }),
    has: pod => [sandbox(pod), running(pod, app)],
    actions: [
      {
        kind: 'kill-container',
        id: 'app-0',
        name: 'app',
        message: 'Container app definition changed, will be restarted',
      },
      start('app', 1),
    ],
  },
  {
    name: 'init containers come first, one at a time',
    pod: podOf({ initContainers: [first, second] }),
    has: pod => [sandbox(pod)],
    actions: [start('first')],
  },
  {
    name: 'a running init container holds everything back',
    pod: podOf({ initContainers: [first, second] }),
    has: pod => [sandbox(pod), running(pod, first)],
    actions: [],
  },
  {
    name: 'the next init container follows one that succeeded',
    pod: podOf({ initContainers: [first, second] }),
    has: pod => [sandbox(pod), exited(pod, first, 0)],
    actions: [start('second')],
  },
  {
    name: 'the containers follow the last init container',
    pod: podOf({ initContainers: [first, second] }),
    has: pod => [sandbox(pod), exited(pod, first, 0), exited(pod, second, 0)],
    actions: [start('app')],
  },
  {
    name: 'a failed init container is tried again',
    pod: podOf({ initContainers: [first] }),
    has: pod => [sandbox(pod), exited(pod, first, 1)],
    actions: [start('first', 1, now - 1000)],
  },
  {
    name: 'a failed init container of a pod that never restarts ends the pod',
    pod: podOf({ initContainers: [first], restartPolicy: 'Never' }),
    has: pod => [sandbox(pod), exited(pod, first, 1)],
    actions: [{ kind: 'kill-pod', reason: 'Finished' }],
  },
  {
    name: 'init containers run again in a new sandbox',
    pod: podOf({ initContainers: [first] }),
    has: pod => [sandbox(pod, 1), exited(pod, first, 0)],
    actions: [start('first', 1)],
  },
  {
    name: 'init containers that were removed do not run again beside a running container',
    pod: podOf({ initContainers: [first] }),
    has: pod => [sandbox(pod), running(pod, app)],
    actions: [],
  },
  {
    name: 'a sidecar that runs lets the rest start beside it',
    pod: podOf({ initContainers: [side] }),
    has: pod => [sandbox(pod), running(pod, side)],
    actions: [start('app')],
  },
  {
    name: 'a sidecar holds the rest back until its startup probe succeeds',
    pod: podOf({ initContainers: [{ ...side, startupProbe: { tcpSocket: { port: 1 } } }] }),
    has: pod => [sandbox(pod), running(pod, side)],
    actions: [],
  },
  {
    name: 'a sidecar that ended starts again, and the containers are not touched',
    pod: podOf({ initContainers: [side] }),
    has: pod => [sandbox(pod), exited(pod, side, 0), running(pod, app)],
    actions: [start('side', 1, now - 1000)],
  },
  {
    name: 'a container that was made and never started is made anew',
    pod: podOf({}),
    has: pod => [sandbox(pod), { ...running(pod, app), state: 'created' }],
    actions: [{ kind: 'remove-container', id: 'app-0', name: 'app' }, start('app')],
  },
  {
    name: 'of ended containers only the newest is kept',
    pod: podOf({}),
    has: pod => [sandbox(pod), running(pod, app, 3), exited(pod, app, 1, 2), exited(pod, app, 1, 1)],
    actions: [{ kind: 'remove-container', id: 'app-1', name: 'app' }],
  },
  {
    name: 'a pod past its active deadline is ended',
    pod: podOf({ activeDeadlineSeconds: 60 }, { startTime: '2026-01-01T00:00:00Z' }),
    has: pod => [sandbox(pod), running(pod, app)],
    actions: [{ kind: 'kill-pod', reason: 'DeadlineExceeded' }],
  },
  {
    name: 'the active deadline wakes the pod when it comes',
    pod: podOf({ activeDeadlineSeconds: 7200 }, { startTime: '2026-01-01T00:00:00Z' }),
    has: pod => [sandbox(pod), running(pod, app)],
    actions: [],
    wakeAtMs: Date.parse('2026-01-01T02:00:00Z'),
  },
]

for (const { name, pod, has, probes = {}, networkReady = true, backOffUntilMs, actions, wakeAtMs } of cases)
  void t.test(name, async t => {
    const plan = computePodActions({
      pod,
      runtime: podRuntimeOf(has(pod)),
      nowMs: now,
      networkReady: () => networkReady,
      probe: (id, kind) => probes[`${id}/${kind}`],
      backOff: () => (backOffUntilMs === undefined ? undefined : { untilMs: backOffUntilMs, delayMs: 10_000 }),
    })
    t.same(plan, { actions, ...(wakeAtMs === undefined ? {} : { wakeAtMs }) })
  })

void t.test('the hash of a container changes with its image and with nothing else', async t => {
  t.equal(containerHash(app), containerHash({ ...app, env: [{ name: 'A', value: 'b' }] }))
  t.not(containerHash(app), containerHash({ ...app, image: 'app:2' }))
})
