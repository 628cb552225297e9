import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { systemClock, type Clock } from '../../host/clock.ts'
import { daemonClient } from '../../host/daemon-client.ts'
import type { DaemonContext, RunningDaemon } from '../../host/daemon.ts'
import { systemExec, type Exec } from '../../host/exec.ts'
import { EventRecorder } from '../../kube/client/event-recorder.ts'
import { SkiffError } from '../../kube/errors.ts'
import { serveHttp, type HttpEndpoint } from './http-endpoints.ts'
import { IngressController } from './ingress-controller.ts'
import { createMetrics } from './metrics.ts'
import { NginxProcess } from './nginx/nginx-process.ts'
import type { IngressOptions } from './options.ts'

/** What tests may put in place of the machine. */
export interface IngressParts {
  exec?: Exec
  clock?: Clock
  /** Put before nginx's command, to run it in a namespace. */
  wrapper?: readonly string[]
}

export interface RunningIngress extends RunningDaemon {
  /** Resolves when nginx took its first configuration; rejects when the daemon is stopped before. */
  firstSync: Promise<void>
  healthzAddress: string
}

/** The address that clients are told: the one listened on, or the first of this machine that is not loopback. */
const publishAddressOf = (options: IngressOptions): string => {
  if (options.publishAddress !== '') return options.publishAddress
  if (options.listenAddress !== '0.0.0.0' && options.listenAddress !== '::') return options.listenAddress
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return all.find(row => row.family === 'IPv4' && !row.internal)?.address ?? '127.0.0.1'
}

const check = (options: IngressOptions): void => {
  if (isIP(options.listenAddress) === 0)
    throw new SkiffError('INVALID_INPUT', `--listen-address: ${JSON.stringify(options.listenAddress)} is no address`)
  for (const [flag, port] of [
    ['http-port', options.httpPort],
    ['https-port', options.httpsPort],
  ] as const)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new SkiffError('INVALID_INPUT', `--${flag}: ${port} is no port`)
  if (!Number.isInteger(options.workers) || options.workers < 1 || options.workers > 64)
    throw new SkiffError('INVALID_INPUT', `--worker-processes: ${options.workers} is not from 1 to 64`)
  if (!/^\/[A-Za-z0-9._/-]+$/.test(options.dataDir))
    throw new SkiffError('INVALID_INPUT', `--data-dir: ${JSON.stringify(options.dataDir)} is no plain absolute path`)
  if (!existsSync(options.nginx))
    throw new SkiffError('HOST_UNFIT', `--nginx ${options.nginx}: no such program`, {
      remedy: 'apt-get install nginx-light',
    })
}

/** By its real name, because processes left over are known by their working directory. */
const makeDataDir = (path: string, journal: DaemonContext['journal']): string => {
  if (!existsSync(path)) journal.record({ kind: 'path', path })
  mkdirSync(path, { recursive: true, mode: 0o755 })
  return realpathSync(path)
}

/** Starts the daemon. nginx runs from the first configuration on and ends with the daemon. */
export const start = async (
  given: IngressOptions,
  context: DaemonContext,
  parts: IngressParts = {},
): Promise<RunningIngress> => {
  check(given)
  const { log, journal } = context
  const clock = parts.clock ?? systemClock
  const options = { ...given, dataDir: makeDataDir(given.dataDir, journal) }
  const { client, close } = await daemonClient(context, {
    kubeconfig: options.kubeconfig,
    userAgent: 'ingress/skiff',
    missing: () => new SkiffError('INVALID_INPUT', 'no API server to ask', { remedy: 'give --kubeconfig' }),
  })
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const nginx = new NginxProcess({
    program: options.nginx,
    prefix: options.dataDir,
    exec: parts.exec ?? systemExec,
    clock,
    log,
    signal,
    ...(parts.wrapper === undefined ? {} : { wrapper: parts.wrapper }),
  })
  const metrics = createMetrics()
  const recorder = new EventRecorder(client, { component: 'nginx-ingress-controller' }, { clock })
  const publishAddress = publishAddressOf(options)
  const controller = new IngressController({
    client,
    options,
    publishAddress,
    nginx,
    clock,
    log,
    metrics,
    recorder,
    signal,
  })
  const running = controller.run()
  running.catch(() => {})
  let endpoint: HttpEndpoint | undefined
  try {
    const healthy = () => nginx.running && controller.configured
    if (options.healthzBindAddress !== '') endpoint = await serveHttp(options.healthzBindAddress, { healthy, metrics })
  } catch (error) {
    stop.abort(error)
    await running.catch(() => {})
    close()
    throw error
  }
  log.info({ http: `${options.listenAddress}:${options.httpPort}` }, 'ingress started')
  const stopped = async () => {
    try {
      await running
    } finally {
      await endpoint?.close()
      close()
    }
  }
  return { done: stopped(), firstSync: controller.firstSync, healthzAddress: endpoint?.address ?? '' }
}
