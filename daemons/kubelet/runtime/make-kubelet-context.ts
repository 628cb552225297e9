import { readFileSync } from 'node:fs'
import type { Service } from 'kubernetes-types/core/v1.js'
import { EventRecorder } from '../../../kube/client/event-recorder.ts'
import type { Informer } from '../../../kube/client/informer.ts'
import { CniRuntime } from '../cni/cni-runtime.ts'
import type { ConfigStore } from '../cni/config-store.ts'
import type { ObjectSource } from '../config/object-source.ts'
import { parseResolvConf } from '../container/resolv-conf.ts'
import { ImagePuller } from '../images/image-puller.ts'
import type { KubeletSetup } from '../kubelet-setup.ts'
import { ProbeManager } from '../probes/probe-manager.ts'
import { StatusWriter } from '../status/status-writer.ts'
import { fieldPathOf, podText, type LocalPod } from '../sync/local-pod.ts'
import type { TokenSource } from '../volumes/pod-tokens.ts'
import { VolumeManager } from '../volumes/volume-manager.ts'
import { ContainerFacts } from './container-facts.ts'
import { execInContainer } from './exec-in-container.ts'
import type { KubeletContext, NodeFacts } from './kubelet-context.ts'
import { LimitedEngine } from './limited-engine.ts'
import { RuntimeCache } from './runtime-cache.ts'

/** What pods are told from. */
export interface PodSources {
  network: ConfigStore
  objects: ObjectSource
  services: Informer<Service>
  tokens: TokenSource
  /** Asked only once pods run: it is made after the context. */
  pods(): { probed(uid: string): void; podOf(uid: string): LocalPod | undefined }
}

/** Containers that are made or started at a time. */
const engineLimit = 8

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // A node without such a file has nothing to pass on.
    return ''
  }
}

const nodeFactsOf = ({ options, machine, nodeName, nodeIp, negativeOomScore }: KubeletSetup): NodeFacts => ({
  nodeName,
  hostIP: nodeIp,
  rootDir: options.rootDir,
  pauseImage: options.podInfraContainerImage,
  cgroupParent: options.cgroupParent,
  clusterDns: options.clusterDns,
  clusterDomain: options.clusterDomain,
  allowedUnsafeSysctls: options.allowedUnsafeSysctls,
  memoryBytes: machine.memoryBytes,
  negativeOomScore,
  allocatable: {
    cpuMilli: machine.cpus * 1000,
    memoryBytes: machine.memoryBytes,
    ephemeralStorageBytes: machine.storageBytes,
  },
})

const eventWriter = ({ client, nodeName, clock, context: { log } }: KubeletSetup): KubeletContext['event'] => {
  const recorder = new EventRecorder(
    client,
    { component: 'kubelet', host: nodeName },
    { clock, onError: error => log.debug({ err: error }, 'event not written') },
  )
  return (pod, type, reason, message, container) =>
    recorder.event(pod.object, type, reason, message, container === undefined ? undefined : fieldPathOf(pod, container))
}

const probeManager = (
  { clock, context: { signal } }: KubeletSetup,
  pods: PodSources['pods'],
  { exec, event }: Pick<KubeletContext, 'exec' | 'event'>,
): ProbeManager =>
  new ProbeManager({
    clock,
    signal,
    exec,
    onResult: uid => pods().probed(uid),
    onFailedRun: (uid, container, probe, message) => {
      const pod = pods().podOf(uid)
      const kind = `${probe[0]?.toUpperCase()}${probe.slice(1)}`
      if (pod !== undefined) event(pod, 'Warning', 'Unhealthy', `${kind} probe failed: ${message}`, container)
    },
  })

/** Makes what carrying out plans needs. Nothing of it runs by itself. */
export const makeKubeletContext = (setup: KubeletSetup, sources: PodSources): KubeletContext => {
  const { options, client, docker, clock } = setup
  const { signal, log, journal } = setup.context
  const { network, objects, services, tokens } = sources
  const { rootDir } = options
  const engine = new LimitedEngine(docker.engine, engineLimit)
  const exec = execInContainer(docker.streams, signal)
  const event = eventWriter(setup)
  return {
    node: nodeFactsOf(setup),
    engine,
    streams: docker.streams,
    cache: new RuntimeCache(engine, setup.nodeName),
    puller: new ImagePuller({ images: docker.images, source: objects, clock }),
    volumes: new VolumeManager({ rootDir, exec: setup.exec, journal, clock, source: objects, tokens }),
    cni: new CniRuntime({ exec: setup.exec, binDir: options.cniBinDir, cacheDir: options.cniCacheDir }),
    network: () => network.current,
    networkProblem: () => network.problem || 'cni config uninitialized',
    probes: probeManager(setup, sources.pods, { exec, event }),
    source: objects,
    services: () => services.list(),
    servicesSynced: services.synced,
    nodeResolvConf: () => parseResolvConf(textOf(options.resolvConf)),
    nodeHosts: () => textOf('/etc/hosts'),
    exec,
    status: new StatusWriter(client, {
      clock,
      signal,
      onError: (pod, error) => log.warn({ pod: podText(pod), err: error }, 'status not written'),
    }),
    records: new ContainerFacts({ rootDir, images: docker.images, streams: docker.streams }),
    client,
    event,
    clock,
    signal,
    log,
  }
}
