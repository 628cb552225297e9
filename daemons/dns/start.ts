import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { systemClock, type Clock } from '../../host/clock.ts'
import { givenClient, openClient, type DaemonClient } from '../../host/daemon-client.ts'
import type { DaemonContext, RunningDaemon } from '../../host/daemon.ts'
import type { OpenLinks } from '../../host/netlink/links.ts'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import type { OptionsOf } from '../../kube/options.ts'
import { defaultCorefile } from './default-corefile.ts'
import { DnsDaemon, noCluster } from './dns-daemon.ts'
import { watchCluster, type ClusterSource } from './kubernetes/cluster-source.ts'
import type { options as table } from './options.ts'
import type { DnsMetrics } from './plugins/plugin.ts'
import { pointName, type ListenPoint } from './server/listeners.ts'
import { addServiceAddress } from './service-address.ts'

/** The machine, as the DNS daemon uses it. */
export interface DnsHost {
  clock: Clock
  openLinks(): Promise<OpenLinks>
  readFile(path: string): string
}

const systemHost: DnsHost = {
  clock: systemClock,
  // Loaded here: without --service-address nothing speaks netlink.
  openLinks: async () => new (await import('../../host/netlink/rtnetlink.ts')).RtLinks(),
  readFile: path => readFileSync(path, 'utf8'),
}

export interface RunningDns extends RunningDaemon {
  /** Where it listens, with the ports that the kernel chose. */
  points(): ListenPoint[]
  /** The port of an HTTP address (`127.0.0.1:0`) of the Corefile. */
  httpPort(address: string): number | undefined
  /** Resolves when the cluster was listed once: from then on its names are answered. */
  synced: Promise<void>
}

const everywhere = (): string[] => {
  const hasIpv6 = Object.values(networkInterfaces()).some(addresses =>
    addresses?.some(({ family }) => family === 'IPv6'),
  )
  return hasIpv6 ? ['0.0.0.0', '::'] : ['0.0.0.0']
}

const readConf = (file: string, host: DnsHost): string => {
  try {
    return host.readFile(file)
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--conf ${file}: ${messageOf(cause)}`, { cause })
  }
}

/** The API client that was given, or one by the kubeconfig; a Corefile without `kubernetes` needs neither. */
const clientOf = async (kubeconfig: string, context: DaemonContext): Promise<DaemonClient | undefined> => {
  if (context.client !== undefined) return givenClient(context.client)
  return kubeconfig === '' ? undefined : openClient(kubeconfig)
}

/** Loaded for the first plugin that asks, and shared by all. */
const lazyMetrics = (): (() => Promise<DnsMetrics>) => {
  let metrics: Promise<DnsMetrics> | undefined
  return () => (metrics ??= import('./plugins/dns-metrics.ts').then(({ loadDnsMetrics }) => loadDnsMetrics('skiff')))
}

/** Starts the DNS daemon: listens, answers outside names at once, and the cluster's as soon as the API was listed. */
export const start = async (
  options: OptionsOf<typeof table>,
  context: DaemonContext,
  host: DnsHost = systemHost,
): Promise<RunningDns> => {
  const { log, signal, journal } = context
  const { serviceAddress } = options
  const api = await clientOf(options.kubeconfig, context)
  const undo: (() => Promise<void> | void)[] = [() => api?.close()]
  const putAway = async () => {
    for (const step of undo.toReversed()) await step()
  }
  const openCluster = (): ClusterSource => {
    if (api === undefined) return noCluster()
    return watchCluster(api.client, { signal, onError: (err: unknown) => log.warn({ err }, 'watching the cluster') })
  }
  const given = [...(serviceAddress === '' ? [] : [serviceAddress]), ...options.bind]
  const daemon = new DnsDaemon({
    file: options.conf,
    corefile: () =>
      options.conf === '' ? defaultCorefile(options.clusterDomain, serviceAddress) : readConf(options.conf, host),
    clock: host.clock,
    log,
    signal,
    openCluster,
    build: {
      port: options.port,
      addresses: given.length === 0 ? everywhere() : [...new Set(given)],
      serviceAddress,
      env: process.env,
      readFile: path => host.readFile(path),
      loadMetrics: lazyMetrics(),
    },
  })
  try {
    if (serviceAddress !== '') {
      const links = await host.openLinks()
      undo.push(() => links.close())
      undo.push(await addServiceAddress(serviceAddress, links, journal))
    }
    await daemon.load()
  } catch (error) {
    await putAway()
    throw error
  }
  log.info({ listening: daemon.points().map(pointName) }, 'DNS is served')
  return {
    points: () => daemon.points(),
    httpPort: address => daemon.httpPort(address),
    synced: daemon.cluster?.whenSynced ?? Promise.resolve(),
    done: (async () => {
      try {
        await daemon.run()
      } finally {
        await putAway()
      }
    })(),
  }
}
