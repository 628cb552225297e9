import { setMaxListeners } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import type { ContainerEngine, ContainerStreams, ImageStore } from '../../host/container-engine.ts'
import { systemClock } from '../../host/clock.ts'
import type { DaemonContext, RunningDaemon } from '../../host/daemon.ts'
import { systemExec, type Exec } from '../../host/exec.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import { EventRecorder } from '../../kube/client/event-recorder.ts'
import { Informer } from '../../kube/client/informer.ts'
import type { Clock } from '../../kube/clock.ts'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { services } from '../../kube/resources.ts'
import { CniRuntime } from './cni/cni-runtime.ts'
import { ConfigStore } from './cni/config-store.ts'
import { ObjectSource } from './config/object-source.ts'
import { parseResolvConf } from './container/resolv-conf.ts'
import { ImagePuller } from './images/image-puller.ts'
import { Kubelet } from './kubelet.ts'
import type { KubeletView } from './kubelet-view.ts'
import { NodeAgent } from './node/node-agent.ts'
import { firstAddress, probeNegativeOomScore, readMachine } from './node/node-facts.ts'
import type { KubeletOptions } from './options.ts'
import { ProbeManager } from './probes/probe-manager.ts'
import { ContainerFacts } from './runtime/container-facts.ts'
import { execInContainer } from './runtime/exec-in-container.ts'
import type { KubeletContext } from './runtime/kubelet-context.ts'
import { LimitedEngine } from './runtime/limited-engine.ts'
import { RuntimeCache } from './runtime/runtime-cache.ts'
import { StatusWriter } from './status/status-writer.ts'
import { fieldPathOf, podText } from './sync/local-pod.ts'
import { VolumeManager } from './volumes/volume-manager.ts'

/** What tests put in the place of Docker, time and programs. */
export interface KubeletParts {
  engine?: ContainerEngine
  images?: ImageStore
  streams?: ContainerStreams
  clock?: Clock
  exec?: Exec
}

export interface RunningKubelet extends RunningDaemon {
  view: KubeletView
  nodeName: string
}

/** Containers that are made or started at a time. */
const engineLimit = 8

/** The path of a Docker socket; throws NOT_IMPLEMENTED for a CRI runtime's and INVALID_INPUT for what is none. */
export const dockerSocketOf = (endpoint: string): string => {
  if (/(containerd|crio|cri-dockerd|cri-o)\.sock$/.test(endpoint))
    throw new SkiffError(
      'NOT_IMPLEMENTED',
      `NOT_IMPLEMENTED: --container-runtime-endpoint ${endpoint} is a CRI runtime`,
      {
        remedy: 'name the socket of a Docker Engine, such as unix:///var/run/docker.sock',
      },
    )
  const path = endpoint.replace(/^unix:\/\//, '')
  if (!path.startsWith('/'))
    throw new SkiffError('INVALID_INPUT', `--container-runtime-endpoint ${endpoint}: not the path of a Unix socket`)
  return path
}

const checked = (options: KubeletOptions): void => {
  if (options.anonymousAuth || options.webhookAuth)
    throw new SkiffError('NOT_IMPLEMENTED', 'the kubelet serves client certificates only', {
      remedy: 'set authentication.anonymous.enabled and authentication.webhook.enabled to false',
    })
}

const clientOf = async (options: KubeletOptions, context: DaemonContext): Promise<KubeClient> => {
  if (context.client !== undefined) return context.client
  if (options.kubeconfig === '')
    throw new SkiffError('INVALID_INPUT', '--kubeconfig is missing', {
      remedy: 'name the kubeconfig of the API server',
    })
  const { readKubeconfig } = await import('../../kube/client/kubeconfig.ts')
  const { createHttpClient } = await import('../../kube/client/http-client.ts')
  const client = createHttpClient(readKubeconfig(options.kubeconfig))
  context.signal.addEventListener('abort', () => client.close(), { once: true })
  return client
}

const dockerParts = async (
  socketPath: string,
  given: KubeletParts,
): Promise<Required<Pick<KubeletParts, 'engine' | 'images' | 'streams'>>> => {
  const { engine, images, streams } = given
  if (engine !== undefined && images !== undefined && streams !== undefined) return { engine, images, streams }
  const [{ DockerEngine }, { DockerImages }, { DockerStreams }] = await Promise.all([
    import('../../host/docker/docker-engine.ts'),
    import('../../host/docker/docker-images.ts'),
    import('../../host/docker/docker-streams.ts'),
  ])
  return {
    engine: engine ?? new DockerEngine({ socketPath }),
    images: images ?? new DockerImages({ socketPath }),
    streams: streams ?? new DockerStreams({ socketPath }),
  }
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // A node without such a file has nothing to pass on.
    return ''
  }
}

const startServer = async (
  options: KubeletOptions,
  context: DaemonContext,
  parts: { view: KubeletView; streams: ContainerStreams },
): Promise<Promise<void>[]> => {
  if (options.tlsCertFile === '' || options.tlsPrivateKeyFile === '' || options.clientCaFile === '') {
    context.log.warn(
      'no --tls-cert-file, --tls-private-key-file and --client-ca-file: no HTTPS API, so no logs and exec',
    )
    return []
  }
  const { startKubeletServer } = await import('./server/server.ts')
  const server = await startKubeletServer({
    address: options.address,
    port: options.port,
    cert: readFileSync(options.tlsCertFile, 'utf8'),
    key: readFileSync(options.tlsPrivateKeyFile, 'utf8'),
    clientCa: readFileSync(options.clientCaFile, 'utf8'),
    ...parts,
    signal: context.signal,
    log: context.log,
  })
  return [server.done]
}

/** Starts the kubelet; resolves when it syncs pods and its HTTPS API listens. The Node is registered as soon as the API answers. */
export const start = async (
  options: KubeletOptions,
  context: DaemonContext,
  parts: KubeletParts = {},
): Promise<RunningKubelet> => {
  checked(options)
  const socketPath = dockerSocketOf(options.containerRuntimeEndpoint)
  const { signal, log, journal } = context
  // Every watch, sleep and request of the node listens to the one signal that ends it.
  setMaxListeners(0, signal)
  const clock = parts.clock ?? systemClock
  const exec = parts.exec ?? systemExec
  const { rootDir } = options
  journal.record({ kind: 'path', path: rootDir })
  for (const path of [options.cniConfDir, options.cniCacheDir])
    if (!existsSync(path)) journal.record({ kind: 'path', path })
  if (options.cgroupParent !== '') journal.record({ kind: 'cgroup', path: options.cgroupParent })
  mkdirSync(rootDir, { recursive: true, mode: 0o750 })
  const client = await clientOf(options, context)
  const docker = await dockerParts(socketPath, parts)
  const machine = await readMachine(rootDir)
  const nodeName = options.hostnameOverride === '' ? machine.hostname : options.hostnameOverride
  const nodeIp = options.nodeIp === '' ? firstAddress() : options.nodeIp
  const negativeOomScore = probeNegativeOomScore()
  if (!negativeOomScore)
    log.warn(
      { node: nodeName },
      'this machine refuses negative oom_score_adj values: containers keep 0 where theirs would be lower',
    )

  const networkDown = (): string =>
    network.current === undefined
      ? `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: ${network.problem || 'cni config uninitialized'}`
      : ''
  const network = new ConfigStore({
    directory: options.cniConfDir,
    signal,
    onInvalid: error => log.error({ err: error, node: nodeName }, error.message),
    onChange: () => {
      agent.poke()
      kubelet.networkChanged()
    },
  })
  const recorder = new EventRecorder(
    client,
    { component: 'kubelet', host: nodeName },
    {
      clock,
      onError: error => log.debug({ err: error }, 'event not written'),
    },
  )
  const objects = new ObjectSource(client, {
    signal,
    clock,
    onError: error => log.warn({ err: error }, 'watch of a mounted object'),
  })
  const serviceInformer = new Informer(client, services, {
    signal,
    clock,
    onError: error => log.warn({ err: error }, 'services'),
  })
  const engine = new LimitedEngine(docker.engine, engineLimit)
  const execIn = execInContainer(docker.streams, signal)
  const kubeletContext: KubeletContext = {
    node: {
      nodeName,
      hostIP: nodeIp,
      rootDir,
      pauseImage: options.podInfraContainerImage,
      cgroupParent: options.cgroupParent,
      clusterDns: options.clusterDns,
      clusterDomain: options.clusterDomain,
      memoryBytes: machine.memoryBytes,
      negativeOomScore,
      allocatable: {
        cpuMilli: machine.cpus * 1000,
        memoryBytes: machine.memoryBytes,
        ephemeralStorageBytes: machine.storageBytes,
      },
    },
    engine,
    streams: docker.streams,
    cache: new RuntimeCache(engine, nodeName),
    puller: new ImagePuller({ images: docker.images, source: objects, clock }),
    volumes: new VolumeManager({ rootDir, exec, journal, clock, source: objects }),
    cni: new CniRuntime({ exec, binDir: options.cniBinDir, cacheDir: options.cniCacheDir }),
    network: () => network.current,
    networkProblem: () => network.problem || 'cni config uninitialized',
    probes: new ProbeManager({
      clock,
      signal,
      exec: execIn,
      onResult: uid => kubelet.probed(uid),
      onFailedRun: (uid, container, probe, message) => {
        const pod = kubelet.podOf(uid)
        const kind = `${probe[0]?.toUpperCase()}${probe.slice(1)}`
        if (pod !== undefined)
          kubeletContext.event(pod, 'Warning', 'Unhealthy', `${kind} probe failed: ${message}`, container)
      },
    }),
    source: objects,
    services: () => serviceInformer.list(),
    servicesSynced: serviceInformer.synced,
    nodeResolvConf: () => parseResolvConf(textOf(options.resolvConf)),
    nodeHosts: () => textOf('/etc/hosts'),
    exec: execIn,
    status: new StatusWriter(client, {
      clock,
      signal,
      onError: (pod, error) => log.warn({ pod: podText(pod), err: error }, 'status not written'),
    }),
    records: new ContainerFacts({ rootDir, images: docker.images, streams: docker.streams }),
    client,
    event: (pod, type, reason, message, container) =>
      recorder.event(
        pod.object,
        type,
        reason,
        message,
        container === undefined ? undefined : fieldPathOf(pod, container),
      ),
    clock,
    signal,
    log,
  }
  const kubelet = new Kubelet(kubeletContext, objects)
  const agent = new NodeAgent({
    client,
    engine,
    images: docker.images,
    clock,
    signal,
    log,
    name: nodeName,
    nodeIp,
    port: options.port,
    maxPods: options.maxPods,
    rootDir,
    machine,
    register: options.registerNode,
    leaseDurationSeconds: options.nodeLeaseDurationSeconds,
    reportMs: options.nodeStatusReportFrequency,
    notReady: networkDown,
  })
  network.start()
  serviceInformer.start()
  const serving = await startServer(options, context, { view: kubelet, streams: docker.streams })
  const work: Promise<void>[] = [...serving, kubelet.run(), agent.run()]
  if (options.skiffNetwork) {
    const { startNodeNetwork } = await import('./network/node-network.ts')
    const { cniConfDir: confDir, cniDataDir, clusterCidr, serviceCidr } = options
    work.push(
      startNodeNetwork({ client, nodeName, confDir, cniDataDir, clusterCidr, serviceCidr, journal, exec, signal, log })
        .done,
    )
  }
  const done = Promise.all(work).then(
    () => {},
    (error: unknown) => {
      if (signal.aborted) return
      throw new SkiffError('INTERNAL', `the kubelet ended: ${messageOf(error)}`, { cause: error })
    },
  )
  return { done, view: kubelet, nodeName }
}
