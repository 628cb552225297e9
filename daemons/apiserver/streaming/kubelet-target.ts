import type { Container, ContainerStatus, Node, Pod } from 'kubernetes-types/core/v1.js'
import { apiError } from '../../../kube/status.ts'
import { type Draft, draftOf } from '../kinds/draft.ts'
import { kubeletLogQuery, logOptionsOf } from './log-options.ts'
import type { StreamTarget } from './streaming-subresource.ts'

/** Where a node's kubelet listens. */
export interface KubeletAddress {
  host: string
  port: number
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'
const KUBELET_PORT = 10250

export const podOf = (target: StreamTarget): Pod => target.object as Pod

/** Throws ApiError: the node has no address. */
export const nodeAddress = (node: Draft<Node>, name: string): KubeletAddress => {
  const addresses = node.status?.addresses ?? []
  const order = ['InternalIP', 'ExternalIP', 'Hostname']
  const found = order.flatMap(type => addresses.filter(address => address.type === type))[0]
  if (found?.address === undefined)
    throw apiError('InternalError', `no preferred addresses found for node ${name}; known addresses: []`)
  return { host: found.address, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT }
}

/** Throws ApiError: the pod has no node yet, or the node has no address. */
export const kubeletAddress = (target: StreamTarget): KubeletAddress => {
  const pod = podOf(target)
  const name = pod.metadata?.name ?? ''
  if (!pod.spec?.nodeName) throw apiError('BadRequest', `pod ${name} does not have a host assigned`)
  if (target.node === undefined) throw apiError('NotFound', `nodes "${pod.spec.nodeName}" not found`)
  return nodeAddress(draftOf<Node>(target.node), pod.spec.nodeName)
}

const allContainers = (pod: Pod): { containers: Container[]; init: Container[]; ephemeral: { name: string }[] } => ({
  containers: pod.spec?.containers ?? [],
  init: pod.spec?.initContainers ?? [],
  ephemeral: pod.spec?.ephemeralContainers ?? [],
})

const names = (containers: readonly { name: string }[]): string => `[${containers.map(c => c.name).join(' ')}]`

/** The container a request means: the one it names, the annotated default, or the only one. Throws ApiError BadRequest. */
export const chooseContainer = (pod: Pod, wanted: string): string => {
  const { containers, init, ephemeral } = allContainers(pod)
  const everyone = [...containers, ...init, ...ephemeral]
  const name = pod.metadata?.name ?? ''
  if (wanted !== '') {
    if (everyone.some(container => container.name === wanted)) return wanted
    throw apiError('BadRequest', `container ${wanted} is not valid for pod ${name}`)
  }
  const annotated = pod.metadata?.annotations?.[DEFAULT_CONTAINER]
  if (annotated !== undefined && everyone.some(container => container.name === annotated)) return annotated
  const only = containers[0]
  if (containers.length === 1 && only !== undefined) return only.name
  if (containers.length === 0) throw apiError('BadRequest', `a container name must be specified for pod ${name}`)
  const others = init.length > 0 ? ` or one of the init containers: ${names(init)}` : ''
  throw apiError(
    'BadRequest',
    `a container name must be specified for pod ${name}, choose one of: ${names(containers)}${others}`,
  )
}

const statusOf = (pod: Pod, container: string): ContainerStatus | undefined =>
  [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ].find(status => status.name === container)

/** Why a container has no logs yet, in upstream's words; undefined when its status gives no reason. */
export const waitingMessage = (pod: Pod, container: string): string | undefined => {
  const status = statusOf(pod, container)
  const name = pod.metadata?.name ?? ''
  const waits = `container "${container}" in pod "${name}" is waiting to start`
  if (status === undefined) return pod.status?.phase === 'Pending' ? `${waits}: ContainerCreating` : undefined
  const waiting = status.state?.waiting
  if (waiting === undefined || status.lastState?.terminated !== undefined) return undefined
  if (waiting.reason === 'ErrImagePull') return `${waits}: image can't be pulled`
  if (waiting.reason === 'ImagePullBackOff') return `${waits}: trying and failing to pull image`
  return `${waits}: ${waiting.reason ?? 'ContainerCreating'}`
}

/** The kubelet's path and query for a subresource. */
export const kubeletPath = (subresource: string, target: StreamTarget): string => {
  const pod = podOf(target)
  const { name = '', namespace = '', uid } = pod.metadata ?? {}
  const path = (...words: string[]) => `/${words.map(encodeURIComponent).join('/')}`
  const { query } = target
  if (subresource === 'portforward')
    return withQuery(path('portForward', namespace, name, ...(uid === undefined ? [] : [uid])), portsQuery(query))
  if (subresource === 'log') {
    const options = logOptionsOf(query, name)
    return withQuery(
      path('containerLogs', namespace, name, chooseContainer(pod, options.container)),
      kubeletLogQuery(options),
    )
  }
  const container = chooseContainer(pod, query.get('container') ?? '')
  const kubelets = pick(query, ['tty', 'command'])
  for (const [theirs, ours] of STREAM_KEYS) if (isTrue(query.get(theirs))) kubelets.append(ours, '1')
  if (kubelets.has('tty')) {
    if (isTrue(kubelets.get('tty'))) kubelets.set('tty', '1')
    else kubelets.delete('tty')
  }
  return withQuery(path(subresource, namespace, name, ...(uid === undefined ? [] : [uid]), container), kubelets)
}

/** The kubelet knows PodPortForwardOptions' ports by another name, and in one piece. */
const portsQuery = (query: URLSearchParams): URLSearchParams => {
  const ports = [...query.getAll('ports'), ...query.getAll('port')].flatMap(text => text.split(','))
  return new URLSearchParams(ports.length === 0 ? {} : { port: ports.join(',') })
}

const STREAM_KEYS = [
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
] as const

const isTrue = (text: string | null): boolean => text === 'true' || text === '1'

const pick = (query: URLSearchParams, keys: readonly string[]): URLSearchParams =>
  new URLSearchParams([...query].filter(([key]) => keys.includes(key)))

const withQuery = (path: string, query: URLSearchParams): string => (query.size === 0 ? path : `${path}?${query}`)
