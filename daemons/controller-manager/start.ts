import { systemClock } from '../../host/clock.ts'
import { daemonClient } from '../../host/daemon-client.ts'
import type { DaemonContext, RunningDaemon } from '../../host/daemon.ts'
import type { Clock } from '../../kube/clock.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import { EventRecorder } from '../../kube/client/event-recorder.ts'
import { WorkQueue } from '../../kube/client/work-queue.ts'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Resource } from '../../kube/resource.ts'
import * as builtIn from '../../kube/resources.ts'
import { hasReason } from '../../kube/status.ts'
import type { ControllerContext } from './controller-context.ts'
import { controllers, selectControllers } from './controllers.ts'
import { CustomResources } from './custom-resources.ts'
import { startHealthServer } from './health-server.ts'
import type { ControllerManagerOptions } from './options.ts'
import { SharedInformers } from './shared-informers.ts'

/** What the controller manager can be given besides what every daemon is. */
export interface ControllerManagerContext extends DaemonContext {
  clock?: Clock
  /** Resources whose objects namespaces and owners hold; default: those of kube/resources.ts. */
  resources?: readonly Resource<KubeObject>[]
}

export interface RunningControllerManager extends RunningDaemon {
  /** Port of /healthz and /metrics; undefined when nothing is served. */
  port: number | undefined
  /** Names of the controllers that run. */
  controllers: readonly string[]
}

/** Everything that runs, and how it ends. */
class Running {
  readonly queues = new Map<string, WorkQueue>()
  readonly #loops: Promise<void>[] = []
  readonly #stop: AbortController
  #failure: unknown

  constructor(stop: AbortController) {
    this.#stop = stop
  }

  loop(name: string, run: () => Promise<void>): void {
    this.#loops.push(
      run().catch((error: unknown) => {
        if (this.#stop.signal.aborted) return
        // A loop that ends by itself leaves its controller dead: the whole daemon goes, and is started anew.
        this.#failure = new SkiffError('INTERNAL', `${name}: ${messageOf(error)}`, { cause: error })
        this.#stop.abort(this.#failure)
      }),
    )
  }

  async done(): Promise<void> {
    await Promise.all(this.#loops)
    if (this.#failure !== undefined) throw this.#failure
  }
}

/** Starts the controllers; resolves once their informers are being filled, not once they are. */
export const start = async (
  options: ControllerManagerOptions,
  context: ControllerManagerContext,
): Promise<RunningControllerManager> => {
  if (options.leaderElect)
    throw new SkiffError('NOT_IMPLEMENTED', '--leader-elect=true: leader election is not built yet', {
      remedy: 'run one controller manager, with --leader-elect=false',
    })
  const names = selectControllers(options.controllers)
  const { client, close } = await daemonClient(context, {
    kubeconfig: options.kubeconfig,
    userAgent: 'kube-controller-manager',
    missing: () =>
      new SkiffError('INVALID_INPUT', '--kubeconfig is needed', {
        remedy: 'name the kubeconfig of system:kube-controller-manager',
      }),
  })
  const clock = context.clock ?? systemClock
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const running = new Running(stop)
  const informers = new SharedInformers(client, {
    signal,
    clock,
    onError: (err, resource) => context.log.warn({ err, resource: resource.plural }, 'a watch failed, trying again'),
  })
  const controllerContext = makeContext({ options, context, client, clock, signal, running, informers })
  for (const name of names) controllers[name]?.(controllerContext)
  const health =
    options.securePort === 0
      ? undefined
      : await startHealthServer({ address: options.bindAddress, port: options.securePort }, running.queues).catch(
          (error: unknown) => {
            stop.abort(error)
            close()
            throw error
          },
        )
  informers.start()
  const ended = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  const finish = async (): Promise<void> => {
    if (!signal.aborted) await ended
    try {
      await running.done()
    } finally {
      await health?.close()
      close()
    }
  }
  return { done: finish(), port: health?.port, controllers: names }
}

interface Parts {
  options: ControllerManagerOptions
  context: ControllerManagerContext
  client: KubeClient
  clock: Clock
  signal: AbortSignal
  running: Running
  informers: SharedInformers
}

const makeContext = (parts: Parts): ControllerContext => {
  const { options, context, client, clock, signal, running, informers } = parts
  const { log } = context
  const failed = (queue: string, key: string, err: unknown): void => {
    // A stale cache makes conflicts; the next try has the newer object, or none. Everything else is worth a line.
    if (hasReason(err, 'Conflict', 'NotFound')) log.debug({ queue, key, err }, 'the cache was late, trying again')
    else log.warn({ queue, key, err }, 'work failed, trying again')
  }
  const customResources = new CustomResources({
    client,
    definitions: () => informers.of(builtIn.customResourceDefinitions),
    signal,
    clock,
    onError: (err, resource) => log.debug({ err, resource: resource.plural }, 'a watch failed, trying again'),
  })
  return {
    client,
    informers,
    customResources,
    resources: context.resources ?? (Object.values(builtIn) as readonly Resource<unknown>[] as Resource<KubeObject>[]),
    options,
    clock,
    signal,
    recorder: component =>
      new EventRecorder(
        client,
        { component },
        { clock, onError: err => log.debug({ err }, 'an event could not be written') },
      ),
    startQueue: (name, concurrency, work) => {
      const queue = new WorkQueue({ signal, clock })
      running.queues.set(name, queue)
      running.loop(name, async () => {
        await informers.synced()
        await queue.run(concurrency, work, (key, error) => failed(name, key, error))
      })
      return queue
    },
    runWhenSynced: (name, run) =>
      running.loop(name, async () => {
        await informers.synced()
        await run()
      }),
  }
}
