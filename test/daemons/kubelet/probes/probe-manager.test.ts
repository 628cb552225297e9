import type { Pod } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { ProbeManager } from '../../../../daemons/kubelet/probes/probe-manager.ts'
import type { HandlerOutcome } from '../../../../daemons/kubelet/probes/run-handler.ts'

const podWith = (container: Record<string, unknown>, metadata: Record<string, unknown> = {}): Pod =>
  ({ metadata: { uid: 'u1', name: 'web', ...metadata }, spec: { containers: [{ name: 'app', ...container }] } }) as Pod

interface Bench {
  clock: FakeClock
  manager: ProbeManager
  seen: string[]
  stop: AbortController
  answers: Map<string, HandlerOutcome['result']>
  runs: string[]
}

/** Probes are told apart by their exec command; answers say what each returns. */
const bench = (): Bench => {
  const clock = new FakeClock(0)
  const stop = new AbortController()
  const seen: string[] = []
  const runs: string[] = []
  const answers = new Map<string, HandlerOutcome['result']>()
  const manager = new ProbeManager({
    clock,
    signal: stop.signal,
    exec: () => Promise.reject(new Error('not used')),
    onResult: (_uid, name, probe, result) => seen.push(`${clock.now() / 1000}s ${name} ${probe} ${result}`),
    run: async handler => {
      const name = handler.exec?.command?.[0] ?? ''
      runs.push(`${clock.now() / 1000}s ${name}`)
      return { result: answers.get(name) ?? 'success', message: name }
    },
  })
  return { clock, manager, seen, stop, answers, runs }
}

const app = [{ name: 'app', id: 'c1', startedAtMs: 0 }]
const probe = (name: string, rest: Record<string, unknown> = {}) => ({ exec: { command: [name] }, ...rest })

t.test('a readiness probe runs at once when there is no initial delay', async t => {
  const { clock, manager, seen } = bench()
  manager.update(podWith({ readinessProbe: probe('ready') }), '10.0.0.1', app)
  await clock.advance(0)
  t.strictSame(seen, ['0s app readiness success'])
  t.equal(manager.result('c1', 'readiness'), 'success')
})

t.test('the initial delay counts from the start of the container', async t => {
  const { clock, manager, seen } = bench()
  await clock.advance(3000)
  manager.update(podWith({ readinessProbe: probe('ready', { initialDelaySeconds: 5 }) }), '10.0.0.1', app)
  await clock.advance(1000)
  t.strictSame(seen, [])
  await clock.advance(1000)
  t.strictSame(seen, ['5s app readiness success'])
})

t.test('thresholds: three failures in a row make a failure, one success makes a success again', async t => {
  const { clock, manager, seen, answers } = bench()
  manager.update(podWith({ readinessProbe: probe('ready', { periodSeconds: 1 }) }), '10.0.0.1', app)
  await clock.advance(0)
  answers.set('ready', 'failure')
  await clock.advance(2000)
  t.equal(manager.result('c1', 'readiness'), 'success')
  await clock.advance(1000)
  answers.set('ready', 'success')
  await clock.advance(1000)
  t.strictSame(seen, ['0s app readiness success', '3s app readiness failure', '4s app readiness success'])
})

t.test('liveness and readiness wait for the startup probe, then run at once', async t => {
  const { clock, manager, seen, runs, answers } = bench()
  answers.set('start', 'failure')
  const pod = podWith({
    startupProbe: probe('start', { periodSeconds: 2, failureThreshold: 30 }),
    readinessProbe: probe('ready'),
    livenessProbe: probe('live'),
  })
  manager.update(pod, '10.0.0.1', app)
  await clock.advance(0)
  await clock.advance(3000)
  t.strictSame(runs, ['0s start', '2s start'])
  answers.set('start', 'success')
  await clock.advance(1000)
  t.strictSame(seen, ['4s app startup success', '4s app readiness success', '4s app liveness success'])
  await clock.advance(5000)
  t.notOk(runs.includes('6s start'), 'a startup probe that has succeeded never runs again')
})

t.test('a failed liveness probe says so once and waits for the new container', async t => {
  const { clock, manager, seen, answers } = bench()
  answers.set('live', 'failure')
  const pod = podWith({ livenessProbe: probe('live', { periodSeconds: 1, failureThreshold: 1 }) })
  manager.update(pod, '10.0.0.1', app)
  await clock.advance(0)
  await clock.advance(5000)
  t.strictSame(seen, ['0s app liveness failure'])
  answers.set('live', 'success')
  manager.update(pod, '10.0.0.1', [{ name: 'app', id: 'c2', startedAtMs: 5000 }])
  await clock.advance(0)
  t.equal(manager.result('c1', 'liveness'), undefined)
  t.equal(manager.result('c2', 'liveness'), 'success')
})

t.test('update is idempotent: the same pod again starts no second worker', async t => {
  const { clock, manager, runs } = bench()
  const pod = podWith({ readinessProbe: probe('ready') })
  for (let i = 0; i < 5; i++) manager.update(pod, '10.0.0.1', app)
  await clock.advance(0)
  t.equal(runs.length, 1)
})

t.test('a pod that is being deleted keeps its readiness probe only', async t => {
  const { clock, manager, runs } = bench()
  const spec = {
    readinessProbe: probe('ready', { periodSeconds: 1 }),
    livenessProbe: probe('live', { periodSeconds: 1 }),
  }
  manager.update(podWith(spec), '10.0.0.1', app)
  await clock.advance(0)
  manager.update(podWith(spec, { deletionTimestamp: '2026-01-01T00:00:00Z' }), '10.0.0.1', app)
  await clock.advance(1000)
  t.strictSame(runs, ['0s ready', '0s live', '1s ready'])
})

t.test('remove and the stop signal leave nobody asleep', async t => {
  const { clock, manager, stop } = bench()
  manager.update(podWith({ readinessProbe: probe('ready') }), '10.0.0.1', app)
  await clock.advance(0)
  t.equal(clock.sleeping, 1)
  manager.remove('u1')
  t.equal(clock.sleeping, 0)
  manager.update(podWith({ readinessProbe: probe('ready') }), '10.0.0.1', app)
  await clock.advance(0)
  stop.abort()
  t.equal(clock.sleeping, 0)
})
