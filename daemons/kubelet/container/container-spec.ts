import type { Container } from 'kubernetes-types/core/v1.js'
import type { ContainerSpec, EngineImage, EngineMount, EngineResources } from '../../../host/container-engine.ts'
import { containerLabels, engineName, sandboxLabels } from '../sync/container-labels.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { kernelHostname } from './etc-hosts.ts'
import { expand } from './expand.ts'
import { securityOf } from './security.ts'

const propagation = { HostToContainer: 'rslave', Bidirectional: 'rshared', None: 'rprivate' } as const

export const mountPropagation = (mode: string | undefined): NonNullable<EngineMount['propagation']> =>
  propagation[(mode ?? 'None') as keyof typeof propagation] ?? 'rprivate'

export interface ContainerFacts {
  nodeName: string
  attempt: number
  sandboxId: string
  env: readonly { name: string; value: string }[]
  mounts: readonly EngineMount[]
  image: EngineImage
  resources: EngineResources
  profileRoot: string
  cgroupParent: string
}

/** What the engine needs to make a pod's container. Pure; throws INVALID_INPUT (security context). */
export const containerSpec = (pod: LocalPod, container: Container, facts: ContainerFacts): ContainerSpec => {
  const values = new Map(facts.env.map(({ name, value }) => [name, value]))
  const expanded = (words: readonly string[]) => words.map(word => expand(word, name => values.get(name)))
  const { command, args } = container
  const host = pod.spec.hostNetwork === true
  return {
    name: engineName(container.name, pod, facts.attempt),
    image: container.image ?? '',
    ...(command === undefined || command.length === 0 ? {} : { entrypoint: expanded(command) }),
    ...(args === undefined || args.length === 0 ? {} : { args: expanded(args) }),
    env: facts.env,
    ...(container.workingDir === undefined || container.workingDir === '' ? {} : { workingDir: container.workingDir }),
    labels: containerLabels(pod, container, facts),
    mounts: facts.mounts,
    tty: container.tty ?? false,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    ...securityOf(pod, container, { imageUser: facts.image.user, profileRoot: facts.profileRoot }),
    network: host ? 'host' : `container:${facts.sandboxId}`,
    ipc: pod.spec.hostIPC === true ? 'host' : `container:${facts.sandboxId}`,
    pid:
      pod.spec.hostPID === true
        ? 'host'
        : pod.spec.shareProcessNamespace === true
          ? `container:${facts.sandboxId}`
          : 'private',
    sysctls: {},
    resources: facts.resources,
    tmpfs: {},
    cgroupParent: facts.cgroupParent,
  }
}

/** The pause container that holds the pod's namespaces. Pure; throws INVALID_INPUT (a host name that is too long). */
export const sandboxSpec = (
  pod: LocalPod,
  facts: {
    nodeName: string
    attempt: number
    image: string
    oomScoreAdj?: number
    cgroupParent: string
    clusterDomain: string
  },
): ContainerSpec => ({
  name: engineName('POD', pod, facts.attempt),
  image: facts.image,
  env: [],
  labels: sandboxLabels(pod, facts.nodeName, facts.attempt),
  mounts: [],
  hostname: kernelHostname(pod, facts.clusterDomain),
  tty: false,
  stdin: false,
  stdinOnce: false,
  privileged: false,
  readOnlyRoot: true,
  noNewPrivileges: true,
  addCapabilities: [],
  dropCapabilities: [],
  securityOptions: ['seccomp=unconfined'],
  network: pod.spec.hostNetwork === true ? 'host' : 'none',
  ipc: pod.spec.hostIPC === true ? 'host' : 'shareable',
  pid: pod.spec.hostPID === true ? 'host' : 'private',
  sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
  resources: { cpuShares: 2, ...(facts.oomScoreAdj === undefined ? {} : { oomScoreAdj: facts.oomScoreAdj }) },
  tmpfs: {},
  cgroupParent: facts.cgroupParent,
})
