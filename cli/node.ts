import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cniWrapper } from '../cni/wrapper.ts'
import { defaultCorefile } from '../daemons/dns/default-corefile.ts'
import { options as dnsOptions } from '../daemons/dns/options.ts'
import { start as startDns } from '../daemons/dns/start.ts'
import { options as ingressOptions } from '../daemons/ingress/options.ts'
import { start as startIngress } from '../daemons/ingress/start.ts'
import { options as proxyOptions } from '../daemons/kube-proxy/options.ts'
import { start as startProxy } from '../daemons/kube-proxy/start.ts'
import { options as kubeletOptions } from '../daemons/kubelet/options.ts'
import { start as startKubelet } from '../daemons/kubelet/start.ts'
import type { DaemonContext, RunningDaemon } from '../host/daemon.ts'
import { DockerImages } from '../host/docker/docker-images.ts'
import { ensureBusyboxImage, ensurePauseImage } from '../host/docker/local-images.ts'
import { writeFileAtomic } from '../host/files.ts'
import { kubeconfigPath, pkiPath } from '../provision/certificates/pki-path.ts'
import { readClusterConfig, type ClusterConfig } from './cluster-config.ts'
import type { Output } from './command.ts'
import { dataDirFlag } from './data-dir-flag.ts'
import { waitForEngine } from './engine.ts'
import { engineCgroup, engineSocket, installDir, layout } from './layout.ts'
import { optionsWith, processContext, untilStopped } from './process-context.ts'
import { reviveSupervisor } from './supervisor/revive-supervisor.ts'

/** How long an Engine may take to answer: after a crash it looks through the containers it finds. */
const engineTimeoutMs = 60_000

/** The second process of `skiff up`: what a node runs. Each daemon has its own identity and its own connection. */
export const run = async (argv: readonly string[], _output: Output): Promise<number> => {
  const dataDir = dataDirFlag(argv)
  const config = readClusterConfig(dataDir)
  const { context, daemonContext, log } = processContext('node', dataDir)
  writePluginExecutables(dataDir)
  writeCorefile(dataDir, config)
  const daemons = await Promise.all([
    startNodeKubelet(dataDir, config, daemonContext('kubelet')),
    startProxy(
      optionsWith(proxyOptions, {
        kubeconfig: kubeconfigPath(dataDir, 'kube-proxy'),
        nodeName: config.nodeName,
        clusterCidr: config.podCidr,
      }),
      daemonContext('kube-proxy'),
    ),
    startDns(
      optionsWith(dnsOptions, {
        kubeconfig: kubeconfigPath(dataDir, 'dns'),
        conf: layout(dataDir).corefile,
        serviceAddress: config.dnsIp,
        clusterDomain: config.clusterDomain,
      }),
      daemonContext('dns'),
    ),
    startIngress(
      optionsWith(ingressOptions, {
        kubeconfig: kubeconfigPath(dataDir, 'ingress'),
        dataDir: layout(dataDir).ingress,
        httpPort: config.ingressHttpPort,
        httpsPort: config.ingressHttpsPort,
        publishAddress: config.nodeIp,
      }),
      daemonContext('ingress'),
    ),
  ])
  reviveSupervisor({ dataDir, signal: context.signal, log, delayMs: 3000 })
  log.info('the node runs')
  await untilStopped(
    context.signal,
    daemons.map(daemon => daemon.done),
  )
  return 0
}

/** The kubelet needs the Engine and the two images that are made on the spot; the other daemons do not wait for them. */
const startNodeKubelet = async (
  dataDir: string,
  config: ClusterConfig,
  context: DaemonContext,
): Promise<RunningDaemon> => {
  const paths = layout(dataDir)
  await waitForEngine(engineTimeoutMs, context.signal)
  const images = new DockerImages({ socketPath: engineSocket })
  await Promise.all([ensurePauseImage(images), ensureBusyboxImage(images)])
  return startKubelet(
    optionsWith(kubeletOptions, {
      kubeconfig: kubeconfigPath(dataDir, 'kubelet'),
      nodeIp: config.nodeIp,
      hostnameOverride: config.nodeName,
      rootDir: paths.kubelet,
      containerRuntimeEndpoint: `unix://${engineSocket}`,
      cgroupParent: config.engine === 'found' ? '' : `/${engineCgroup}`,
      skiffNetwork: true,
      cniConfDir: paths.cniConf,
      cniBinDir: paths.cniBin,
      cniCacheDir: paths.cniCache,
      cniDataDir: paths.cniLeases,
      clusterCidr: config.podCidr,
      serviceCidr: config.serviceCidr,
      address: config.nodeIp,
      tlsCertFile: pkiPath(dataDir, 'kubelet-server', 'crt'),
      tlsPrivateKeyFile: pkiPath(dataDir, 'kubelet-server', 'key'),
      clientCaFile: pkiPath(dataDir, 'ca', 'crt'),
      clusterDns: [config.dnsIp],
      clusterDomain: config.clusterDomain,
    }),
    context,
  )
}

/** The CNI bin directory: one small executable a plugin, each running this installation's code. */
const writePluginExecutables = (dataDir: string): void => {
  const directory = layout(dataDir).cniBin
  mkdirSync(directory, { recursive: true })
  for (const plugin of ['bridge', 'host-local', 'loopback'])
    writeFileAtomic(
      join(directory, plugin),
      cniWrapper(plugin, process.execPath, join(installDir, 'dist/cni/main.js')),
      0o755,
    )
}

/** A Corefile that a person edited is theirs: only a missing one is written. */
const writeCorefile = (dataDir: string, config: ClusterConfig): void => {
  const path = layout(dataDir).corefile
  if (existsSync(path)) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, defaultCorefile(config.clusterDomain, config.dnsIp))
}
