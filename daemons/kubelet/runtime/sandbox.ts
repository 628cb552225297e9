import { mkdir, writeFile } from 'node:fs/promises'
import type { ContainerSpec } from '../../../host/container-engine.ts'
import { SkiffError } from '../../../kube/errors.ts'
import type { Attachment, PortMapping } from '../cni/cni-runtime.ts'
import { etcHosts } from '../container/etc-hosts.ts'
import { formatResolvConf, podResolvConf } from '../container/resolv-conf.ts'
import { sandboxSpec } from '../container/container-spec.ts'
import { sandboxOomScoreAdj } from '../container/resources.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { podDirectory } from '../volumes/pod-directory.ts'
import type { KubeletContext } from './kubelet-context.ts'

const isHostNetwork = (pod: LocalPod): boolean => pod.spec.hostNetwork === true

/** Makes a container; one of the same name, left by a kubelet that died in the middle, gives way. */
export const createAfresh = async (
  context: KubeletContext,
  spec: ContainerSpec,
  signal: AbortSignal,
): Promise<string> => {
  try {
    return await context.engine.create(spec, signal)
  } catch (error) {
    if (!(error instanceof SkiffError && error.code === 'CONFLICT')) throw error
    await context.engine.remove(spec.name, signal)
    return await context.engine.create(spec, signal)
  }
}

const hostPorts = (pod: LocalPod): PortMapping[] =>
  pod.spec.containers.flatMap(container =>
    (container.ports ?? []).flatMap(port =>
      port.hostPort === undefined || port.hostPort === 0
        ? []
        : [
            {
              hostPort: port.hostPort,
              containerPort: port.containerPort,
              protocol: (port.protocol ?? 'TCP').toLowerCase(),
              hostIP: port.hostIP ?? '',
            },
          ],
    ),
  )

/** Makes and starts the pause container. Resolves with its id and process. */
export const startSandbox = async (
  context: KubeletContext,
  pod: LocalPod,
  attempt: number,
  signal: AbortSignal,
): Promise<{ id: string; pid: number }> => {
  const { node, engine, cache } = context
  const spec = sandboxSpec(pod, {
    nodeName: node.nodeName,
    attempt,
    image: node.pauseImage,
    cgroupParent: node.cgroupParent,
    clusterDomain: node.clusterDomain,
    ...(node.negativeOomScore ? { oomScoreAdj: sandboxOomScoreAdj } : {}),
  })
  let id: string
  try {
    id = await createAfresh(context, spec, signal)
  } catch (error) {
    if (!(error instanceof SkiffError && error.code === 'NOT_FOUND')) throw error
    // The pause image is looked for only when it is missing: one call less for every pod.
    const pulled = await context.puller.ensure(
      pod,
      { name: 'POD', image: node.pauseImage, imagePullPolicy: 'IfNotPresent' },
      () => {},
      signal,
    )
    if (pulled.kind === 'failed') throw new SkiffError('NOT_FOUND', `pause image: ${pulled.message}`, { cause: error })
    id = await createAfresh(context, spec, signal)
  }
  cache.markDirty(pod.uid, id)
  await engine.start(id, signal)
  cache.markDirty(pod.uid, id)
  const found = await engine.inspect(id, signal)
  if (found?.state !== 'running')
    throw new SkiffError('COMMAND_FAILED', `the sandbox ended at once (exit code ${found?.exitCode}): ${found?.error}`)
  return { id, pid: found.pid }
}

const attachmentOf = (pod: LocalPod, id: string, netns: string): Attachment => ({
  containerId: id,
  netns,
  pod: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
  portMappings: hostPorts(pod),
})

/** Attaches a started sandbox to the pod network; resolves with the pod's address. */
export const attachNetwork = async (
  context: KubeletContext,
  pod: LocalPod,
  sandbox: { id: string; pid: number },
  signal: AbortSignal,
): Promise<string> => {
  if (isHostNetwork(pod)) return context.node.hostIP
  const network = context.network()
  if (network === undefined) throw new SkiffError('UNAVAILABLE', `network is not ready: ${context.networkProblem()}`)
  const mapped = network.plugins.some(plugin => plugin.capabilities?.['portMappings'] === true)
  if (hostPorts(pod).length > 0 && !mapped)
    context.event(
      pod,
      'Warning',
      'HostPortNotSupported',
      `NOT_IMPLEMENTED: hostPort needs a CNI plugin with the portMappings capability, and network "${network.name}" has none`,
    )
  return context.cni.add(network, { ...attachmentOf(pod, sandbox.id, `/proc/${sandbox.pid}/ns/net`), signal })
}

/** The address of a sandbox that is attached; undefined when it is not. */
export const addressOfSandbox = (context: KubeletContext, pod: LocalPod, id: string): string | undefined =>
  isHostNetwork(pod) ? context.node.hostIP : context.cni.address(id)

/** Detaches a sandbox; `pid` 0 when its process is gone (the number may belong to somebody else by now). */
export const detachNetwork = async (
  context: KubeletContext,
  pod: LocalPod,
  sandbox: { id: string; pid: number },
): Promise<void> => {
  if (isHostNetwork(pod)) return
  const netns = sandbox.pid === 0 ? '' : `/proc/${sandbox.pid}/ns/net`
  await context.cni.del(context.network(), attachmentOf(pod, sandbox.id, netns))
}

/**
 * Writes the pod's hosts and resolv.conf. The files keep their inodes: containers that were made before the address
 * was known have them mounted.
 */
export const writeNetworkFiles = async (context: KubeletContext, pod: LocalPod, podIP: string): Promise<void> => {
  const { node } = context
  const directory = podDirectory(node.rootDir, pod.uid)
  await mkdir(directory.root, { recursive: true, mode: 0o750 })
  const hosts = etcHosts(pod, { podIP, clusterDomain: node.clusterDomain, nodeHosts: context.nodeHosts() })
  const resolv = podResolvConf(pod, {
    resolvConf: context.nodeResolvConf(),
    clusterDns: node.clusterDns,
    clusterDomain: node.clusterDomain,
  })
  await Promise.all([
    writeFile(directory.etcHosts, hosts, { mode: 0o644 }),
    writeFile(directory.resolvConf, formatResolvConf(resolv), { mode: 0o644 }),
  ])
}
