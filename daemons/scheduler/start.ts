import { EventRecorder } from '../../kube/client/event-recorder.ts'
import { Informer } from '../../kube/client/informer.ts'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { namespaces, nodes, pods } from '../../kube/resources.ts'
import { systemClock } from '../../host/clock.ts'
import { daemonClient } from '../../host/daemon-client.ts'
import type { DaemonContext, RunningDaemon } from '../../host/daemon.ts'
import { startHealthServer, type HealthServer } from './health-server.ts'
import { SchedulerMetrics } from './metrics.ts'
import type { SchedulerOptions } from './options.ts'
import { Scheduler } from './scheduler.ts'

const checkOptions = (options: SchedulerOptions): void => {
  if (options.leaderElect)
    throw new SkiffError('NOT_IMPLEMENTED', '--leader-elect=true: leader election is not built', {
      remedy: 'run one scheduler, with --leader-elect=false',
    })
  if (options.percentageOfNodesToScore !== 0 && options.percentageOfNodesToScore !== 100)
    throw new SkiffError(
      'NOT_IMPLEMENTED',
      'percentageOfNodesToScore: every node is always scored; only 0 or 100 are taken',
    )
}

/** Starts the scheduler; it works once the informers have synced. `port` is that of the health endpoint, 0 without one. */
export const start = async (
  options: SchedulerOptions,
  context: DaemonContext,
): Promise<RunningDaemon & { port: number; metrics: SchedulerMetrics }> => {
  checkOptions(options)
  const { signal, log } = context
  const { client, close } = await daemonClient(context, {
    kubeconfig: options.kubeconfig,
    missing: () =>
      new SkiffError('INVALID_INPUT', 'no API server to talk to', {
        remedy: 'name a kubeconfig with --kubeconfig FILE',
      }),
  })
  const onError = (err: unknown) => log.warn({ err: messageOf(err) }, 'scheduler: the API failed')
  const metrics = new SchedulerMetrics()
  const shared = { signal, onError }
  const informers = {
    pods: new Informer(client, pods, shared),
    nodes: new Informer(client, nodes, shared),
    namespaces: new Informer(client, namespaces, shared),
  }
  const scheduler = new Scheduler({
    client,
    clock: systemClock,
    signal,
    informers,
    recorder: new EventRecorder(client, { component: 'default-scheduler' }, { onError }),
    profiles: options.profiles,
    metrics,
    initialBackoffMs: options.podInitialBackoffSeconds * 1000,
    maxBackoffMs: options.podMaxBackoffSeconds * 1000,
    parallelism: options.parallelism,
    random: Math.random,
    onError: (err, pod) => log.warn({ pod, err: messageOf(err) }, 'scheduling failed'),
  })
  let ready = false
  let health: HealthServer | undefined
  try {
    if (options.securePort !== 0) health = await startHealthServer(options, metrics, () => ready)
  } catch (error) {
    close()
    throw error
  }
  for (const informer of Object.values(informers)) informer.start()
  Promise.all(Object.values(informers).map(informer => informer.synced)).then(
    () => (ready = true),
    () => {},
  )
  const runToEnd = async () => {
    try {
      await scheduler.run()
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await health?.close()
      close()
    }
  }
  const done = runToEnd()
  return { done, port: health?.port ?? 0, metrics }
}
