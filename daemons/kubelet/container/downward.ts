import type { Container } from 'kubernetes-types/core/v1.js'
import { SkiffError } from '../../../kube/errors.ts'
import { parseQuantity } from '../../../kube/quantity.ts'
import type { LocalPod } from '../sync/local-pod.ts'

/** What the downward API tells besides the pod object itself. */
export interface DownwardFacts {
  nodeName: string
  hostIP: string
  podIP: string
  /** Stand in for limits that are not set. */
  allocatable: { cpuMilli: number; memoryBytes: number; ephemeralStorageBytes: number }
}

const quoted = (values: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(values ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n')

/** The value of a fieldRef; throws INVALID_INPUT for a path the downward API does not have. */
export const fieldValue = (path: string, pod: LocalPod, facts: DownwardFacts): string => {
  const { metadata } = pod.object
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (subscript !== null) {
    const map = subscript[1] === 'labels' ? metadata?.labels : metadata?.annotations
    return map?.[subscript[2] ?? ''] ?? ''
  }
  switch (path) {
    case 'metadata.name':
      return pod.name
    case 'metadata.namespace':
      return pod.namespace
    case 'metadata.uid':
      return pod.uid
    case 'metadata.labels':
      return quoted(metadata?.labels)
    case 'metadata.annotations':
      return quoted(metadata?.annotations)
    case 'spec.nodeName':
      return facts.nodeName
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? ''
    case 'status.hostIP':
    case 'status.hostIPs':
      return facts.hostIP
    case 'status.podIP':
    case 'status.podIPs':
      return facts.podIP
    default:
      throw new SkiffError('INVALID_INPUT', `unsupported fieldPath: ${path}`)
  }
}

const nodeDefault = (resource: string, facts: DownwardFacts): string => {
  if (resource === 'limits.cpu') return `${facts.allocatable.cpuMilli}m`
  if (resource === 'limits.memory') return String(facts.allocatable.memoryBytes)
  if (resource === 'limits.ephemeral-storage') return String(facts.allocatable.ephemeralStorageBytes)
  return '0'
}

/** The value of a resourceFieldRef: the amount in units of its divisor, rounded up. Throws INVALID_INPUT. */
export const resourceValue = (
  ref: { resource: string; divisor?: string },
  container: Container,
  facts: DownwardFacts,
): string => {
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(ref.resource)
  if (match === null) throw new SkiffError('INVALID_INPUT', `unsupported container resource: ${ref.resource}`)
  const [, list, name] = match
  const amounts = list === 'limits' ? container.resources?.limits : container.resources?.requests
  const amount = parseQuantity(amounts?.[name ?? ''] ?? nodeDefault(ref.resource, facts)).nano
  const divisorText = ref.divisor === undefined || ref.divisor === '0' ? '1' : ref.divisor
  const divisor = parseQuantity(divisorText).nano
  return String((amount + divisor - 1n) / divisor)
}
