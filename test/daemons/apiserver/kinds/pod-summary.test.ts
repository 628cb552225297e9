import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cells, metadata, pod } from './sample-objects.ts'

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`

const running = { name: 'main', ready: true, started: true, restartCount: 0, state: { running: {} } }
const waiting = (reason: string) => ({ name: 'main', ready: false, restartCount: 0, state: { waiting: { reason } } })
const ended = (more: object) => ({
  name: 'main',
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode: 0, ...more } },
})
const inits = [
  { name: 'i1', image: 'x' },
  { name: 'i2', image: 'x' },
]

const statuses: { name: string; object: UnknownObject; ready: string; status: string; restarts?: string }[] = [
  { name: 'new', object: pod({}, { status: { phase: 'Pending' } }), ready: '0/1', status: 'Pending' },
  {
    name: 'running',
    object: pod({}, { status: { phase: 'Running', containerStatuses: [running] } }),
    ready: '1/1',
    status: 'Running',
  },
  {
    name: 'failing again and again',
    object: pod(
      {},
      {
        status: {
          phase: 'Running',
          containerStatuses: [
            { ...waiting('CrashLoopBackOff'), restartCount: 3, lastState: { terminated: { finishedAt: at(55) } } },
          ],
        },
      },
    ),
    ready: '0/1',
    status: 'CrashLoopBackOff',
    restarts: '3 (5m ago)',
  },
  {
    name: 'through',
    object: pod({}, { status: { phase: 'Succeeded', containerStatuses: [ended({ reason: 'Completed' })] } }),
    ready: '0/1',
    status: 'Completed',
  },
  {
    name: 'killed by a signal',
    object: pod({}, { status: { phase: 'Failed', containerStatuses: [ended({ exitCode: 137, signal: 9 })] } }),
    ready: '0/1',
    status: 'Signal:9',
  },
  {
    name: 'ended with a code',
    object: pod({}, { status: { phase: 'Failed', containerStatuses: [ended({ exitCode: 3 })] } }),
    ready: '0/1',
    status: 'ExitCode:3',
  },
  {
    name: 'being deleted',
    object: pod(
      {},
      {
        metadata: metadata({ deletionTimestamp: at(1) }),
        status: { phase: 'Running', containerStatuses: [running] },
      },
    ),
    ready: '1/1',
    status: 'Terminating',
  },
  {
    name: 'in its first init container',
    object: pod(
      { initContainers: inits },
      {
        status: {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'i1', state: { running: {} } },
            { name: 'i2', state: { waiting: { reason: 'PodInitializing' } } },
          ],
          containerStatuses: [waiting('PodInitializing')],
        },
      },
    ),
    ready: '0/1',
    status: 'Init:0/2',
  },
  {
    name: 'in its second init container',
    object: pod(
      { initContainers: inits },
      {
        status: {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'i1', state: { terminated: { exitCode: 0 } } },
            { name: 'i2', state: { running: {} } },
          ],
        },
      },
    ),
    ready: '0/1',
    status: 'Init:1/2',
  },
  {
    name: 'held up by an init container',
    object: pod(
      { initContainers: inits },
      {
        status: {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'i1', restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } } }],
        },
      },
    ),
    ready: '0/1',
    status: 'Init:CrashLoopBackOff',
    restarts: '2',
  },
  {
    name: 'running beside a sidecar',
    object: pod(
      { initContainers: [{ name: 's', image: 'x', restartPolicy: 'Always' }] },
      {
        status: {
          phase: 'Running',
          initContainerStatuses: [{ name: 's', ready: true, started: true, restartCount: 1, state: { running: {} } }],
          containerStatuses: [running],
        },
      },
    ),
    ready: '2/2',
    status: 'Running',
    restarts: '1',
  },
  {
    name: 'half through and not ready',
    object: pod(
      {
        containers: [
          { name: 'a', image: 'x' },
          { name: 'b', image: 'x' },
        ],
      },
      {
        status: { phase: 'Running', containerStatuses: [ended({ reason: 'Completed' }), running] },
      },
    ),
    ready: '1/2',
    status: 'NotReady',
  },
  {
    name: 'held back by a gate',
    object: pod(
      {},
      {
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
        },
      },
    ),
    ready: '0/1',
    status: 'SchedulingGated',
  },
  {
    name: 'evicted',
    object: pod({}, { status: { phase: 'Failed', reason: 'Evicted' } }),
    ready: '0/1',
    status: 'Evicted',
  },
]
for (const { name, object, ready, status, restarts = '0' } of statuses)
  t.test(`a pod that is ${name} shows ${ready} ${status} ${restarts}`, async t => {
    t.match(cells('pods', object), { Ready: ready, Status: status, Restarts: restarts })
  })
