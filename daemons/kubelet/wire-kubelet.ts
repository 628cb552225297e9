import type { Service } from 'kubernetes-types/core/v1.js'
import { Informer } from '../../kube/client/informer.ts'
import { services } from '../../kube/resources.ts'
import { ConfigStore } from './cni/config-store.ts'
import { ObjectSource } from './config/object-source.ts'
import { Kubelet } from './kubelet.ts'
import type { KubeletSetup } from './kubelet-setup.ts'
import { NodeAgent } from './node/node-agent.ts'
import { makeKubeletContext } from './runtime/make-kubelet-context.ts'
import { PodTokens } from './volumes/pod-tokens.ts'

/** The parts that run. */
export interface WiredKubelet {
  kubelet: Kubelet
  agent: NodeAgent
  network: ConfigStore
  serviceInformer: Informer<Service>
}

/** Makes the kubelet's parts and lets them know each other. Nothing is started. */
export const wireKubelet = (setup: KubeletSetup): WiredKubelet => {
  const { options, client, clock, nodeName } = setup
  const { signal, log } = setup.context
  const network = new ConfigStore({
    directory: options.cniConfDir,
    signal,
    onInvalid: error => log.error({ err: error, node: nodeName }, error.message),
    onChange: () => {
      agent.poke()
      kubelet.networkChanged()
    },
  })
  const objects = new ObjectSource(client, {
    signal,
    clock,
    onError: error => log.warn({ err: error }, 'watch of a mounted object'),
  })
  const tokens = new PodTokens(client, {
    signal,
    clock,
    onError: error => log.warn({ err: error }, 'a service account token could not be replaced'),
  })
  const serviceInformer = new Informer(client, services, {
    signal,
    clock,
    onError: error => log.warn({ err: error }, 'services'),
  })
  const sources = { network, objects, tokens, services: serviceInformer, pods: () => kubelet }
  const context = makeKubeletContext(setup, sources)
  const kubelet = new Kubelet(context, { objects, tokens })
  const agent = new NodeAgent({
    client,
    engine: context.engine,
    images: setup.docker.images,
    clock,
    signal,
    log,
    name: nodeName,
    nodeIp: setup.nodeIp,
    port: options.port,
    maxPods: options.maxPods,
    rootDir: options.rootDir,
    machine: setup.machine,
    register: options.registerNode,
    leaseDurationSeconds: options.nodeLeaseDurationSeconds,
    reportMs: options.nodeStatusReportFrequency,
    notReady: () =>
      network.current === undefined
        ? `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: ${context.networkProblem()}`
        : '',
  })
  return { kubelet, agent, network, serviceInformer }
}
