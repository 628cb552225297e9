import { availableParallelism, hostname } from 'node:os'
import { systemClock, type Clock } from '../../host/clock.ts'
import { daemonClient } from '../../host/daemon-client.ts'
import type { DaemonContext, RunningDaemon } from '../../host/daemon.ts'
import { systemExec, type Exec } from '../../host/exec.ts'
import { EventRecorder } from '../../kube/client/event-recorder.ts'
import { SkiffError } from '../../kube/errors.ts'
import { proxyMode } from '../../proxy/proxy-modes.ts'
import { cleanupIptables } from './iptables-proxier.ts'
import { serveHealth, serveMetrics, parseBindAddress, type Endpoint } from './http-endpoints.ts'
import { createMetrics } from './metrics.ts'
import type { KubeProxyOptions } from './options.ts'
import { ProxyHealth } from './proxy-health.ts'
import { RuleKeeper } from './rule-keeper.ts'
import { nodeViewOf, settingsOf } from './settings-of-options.ts'
import { applySysctls, systemSysctls, wantedSysctls, type Sysctls } from './sysctls.ts'

/** What tests and `skiff up` may put in place of the machine. */
export interface KubeProxyParts {
  exec?: Exec
  clock?: Clock
  sysctls?: Sysctls
}

export interface RunningKubeProxy extends RunningDaemon {
  /** Resolves when the rules stand for the first time; rejects when the daemon is stopped before. */
  firstSync: Promise<void>
  healthzAddress: string
  metricsAddress: string
}

/** Before anything is changed: an address that cannot be listened on is to be told at once. */
const checkAddresses = (options: KubeProxyOptions): void => {
  for (const [flag, text] of [
    ['healthz-bind-address', options.healthzBindAddress],
    ['metrics-bind-address', options.metricsBindAddress],
  ] as const)
    if (text !== '') parseBindAddress(flag, text)
}

/** Health and metrics, each where it has an address; both or none. */
const serve = async (
  config: KubeProxyOptions,
  parts: { health: ProxyHealth; metrics: ReturnType<typeof createMetrics>; mode: string },
): Promise<Endpoint[]> => {
  const { health, metrics, mode } = parts
  const { healthzBindAddress, metricsBindAddress } = config
  const servers: Endpoint[] = []
  try {
    if (healthzBindAddress !== '') servers.push(await serveHealth(healthzBindAddress, health))
    if (metricsBindAddress !== '')
      servers.push(await serveMetrics({ bindAddress: metricsBindAddress, metrics, mode, config }))
    return servers
  } catch (error) {
    await Promise.all(servers.map(server => server.close()))
    throw error
  }
}

/**
 * Starts the proxy. It writes rules as soon as Services, slices and the Node were listed; when the API goes away, the
 * rules stay as they are, and they stay when the proxy stops.
 */
export const start = async (
  options: KubeProxyOptions,
  context: DaemonContext,
  parts: KubeProxyParts = {},
): Promise<RunningKubeProxy> => {
  const { signal, log, journal } = context
  const clock = parts.clock ?? systemClock
  const target = { exec: parts.exec ?? systemExec, family: 'ip' as const }
  if (options.cleanup) {
    await cleanupIptables({ ...target, signal })
    const done = Promise.resolve()
    return { done, firstSync: done, healthzAddress: '', metricsAddress: '' }
  }
  const mode = proxyMode(options.mode)
  const nodeName = options.nodeName === '' ? hostname().toLowerCase() : options.nodeName
  settingsOf(options, nodeViewOf(nodeName, undefined, target.family))
  checkAddresses(options)
  const { client, close } = await daemonClient(context, {
    kubeconfig: options.kubeconfig,
    userAgent: 'kube-proxy/skiff',
    missing: () =>
      new SkiffError('INVALID_INPUT', 'no API server to ask', {
        remedy: 'give --kubeconfig, or clientConnection.kubeconfig in --config',
      }),
  })
  const refused = applySysctls(wantedSysctls(options, availableParallelism()), parts.sysctls ?? systemSysctls, journal)
  if (refused.length > 0) log.warn({ refused }, 'some sysctls cannot be set here')

  const metrics = createMetrics()
  const health = new ProxyHealth(clock, Math.max(2 * options.syncPeriodMs, 60_000))
  const recorder = new EventRecorder(client, { component: 'kube-proxy', host: nodeName }, { clock })
  const told = { log, journal, metrics, health, recorder }
  const keeper = new RuleKeeper({ client, clock, ...told, target, options, nodeName, signal })
  const running = keeper.run()
  running.catch(() => {})
  let servers: Endpoint[]
  try {
    servers = await serve(options, { health, metrics, mode: mode.name })
  } catch (error) {
    keeper.stop()
    await running.catch(() => {})
    close()
    throw error
  }
  log.info({ mode: mode.name, node: nodeName }, 'kube-proxy started')
  const stopped = async () => {
    try {
      await running
    } finally {
      await Promise.all(servers.map(server => server.close()))
      close()
    }
  }
  const done = stopped()
  return {
    done,
    firstSync: keeper.firstSync,
    healthzAddress: options.healthzBindAddress === '' ? '' : (servers[0]?.address ?? ''),
    metricsAddress: options.metricsBindAddress === '' ? '' : (servers.at(-1)?.address ?? ''),
  }
}
