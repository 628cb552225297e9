import { isDeepStrictEqual } from 'node:util'
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import { draftOf } from '../kinds/draft.ts'
import { forbid } from './forbid.ts'
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from './plugin.ts'
import { nodeNameOf } from '../auth/node/node-authorizer.ts'

const mirrorAnnotation = 'kubernetes.io/config.mirror'
const leaseNamespace = 'kube-node-lease'

/** Labels of Kubernetes' own domains that a kubelet may put on its node. */
const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
])
const kubeletDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io']

const within = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`)

/** Labels that others decide by (roles, isolation) are not a node's own to set. */
export const isReservedLabel = (key: string): boolean => {
  const domain = key.includes('/') ? (key.split('/')[0] ?? '') : ''
  if (within(domain, 'node-restriction.kubernetes.io')) return true
  if (!within(domain, 'kubernetes.io') && !within(domain, 'k8s.io')) return false
  return !kubeletLabels.has(key) && !kubeletDomains.some(parent => within(domain, parent))
}

const changedLabels = (next: UnknownObject, old: UnknownObject | undefined): string[] => {
  const after = next.metadata?.labels ?? {}
  const before = old?.metadata?.labels ?? {}
  return [...new Set([...Object.keys(after), ...Object.keys(before)])].filter(key => after[key] !== before[key]).sort()
}

const admitNode = (request: AdmissionRequest, node: string): void => {
  const { name, object, old, operation } = request
  if (name !== node)
    throw forbid(request, `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`)
  if (operation === 'delete' || object === undefined) return
  const reserved = changedLabels(object, old).filter(isReservedLabel)
  const quoted = JSON.stringify(node)
  if (reserved.length > 0)
    throw forbid(
      request,
      operation === 'create'
        ? `node ${quoted} is not allowed to set the following labels: ${reserved.join(', ')}`
        : `is not allowed to modify labels: ${reserved.join(', ')}`,
    )
  if (operation !== 'update' || old === undefined) return
  const [after, before] = [draftOf<Node>(object).spec?.taints ?? [], draftOf<Node>(old).spec?.taints ?? []]
  if (!isDeepStrictEqual(after, before)) throw forbid(request, `node ${quoted} is not allowed to modify taints`)
}

const admitPod = (request: AdmissionRequest, node: string, reader: AdmissionReader): void => {
  const { object, old, operation, subresource, namespace, name } = request
  const quoted = JSON.stringify(node)
  const here = (pod: UnknownObject | undefined): boolean =>
    pod !== undefined && draftOf<Pod>(pod).spec?.nodeName === node
  if (subresource === 'status') {
    if (!here(old))
      throw forbid(request, `node ${quoted} can only update pod status for pods with spec.nodeName set to itself`)
    if (object !== undefined && changedLabels(object, old).length > 0)
      throw forbid(request, `node ${quoted} cannot update labels through pod status`)
    return
  }
  if (subresource === 'eviction') {
    if (!here(old ?? reader.get('', 'pods', namespace, name)))
      throw forbid(request, `node ${quoted} can only evict pods with spec.nodeName set to itself`)
    return
  }
  if (subresource !== '')
    throw forbid(
      request,
      `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`,
    )
  switch (operation) {
    case 'delete':
      if (!here(old)) throw forbid(request, `node ${quoted} can only delete pods with spec.nodeName set to itself`)
      return
    case 'create':
      if (object?.metadata?.annotations?.[mirrorAnnotation] === undefined)
        throw forbid(
          request,
          `pod does not have ${JSON.stringify(mirrorAnnotation)} annotation, node ${quoted} can only create mirror pods`,
        )
      if (!here(object)) throw forbid(request, `node ${quoted} can only create pods with spec.nodeName set to itself`)
      return
    default:
      throw forbid(request, `unexpected operation "UPDATE", node ${quoted} can only create and delete mirror pods`)
  }
}

const admitLease = (request: AdmissionRequest, node: string): void => {
  if (request.namespace !== leaseNamespace)
    throw forbid(request, `can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`)
  if (request.name !== node)
    throw forbid(request, 'can only access node lease with the same name as the requesting node')
}

const restricted = new Set(['/nodes', '/pods', 'coordination.k8s.io/leases'])

/** A node's identity writes its own Node and Lease and the pods it runs, whatever else its role would let it. */
export const nodeRestrictionPlugin: AdmissionPlugin = {
  name: 'NodeRestriction',
  handles: ({ kind }) => restricted.has(`${kind.group}/${kind.plural}`),
  admit: (request, reader) => {
    const node = nodeNameOf(request.user)
    if (node === undefined) return
    const { group, plural } = request.kind
    if (group === '' && plural === 'nodes') admitNode(request, node)
    else if (group === '' && plural === 'pods') admitPod(request, node, reader)
    else if (group === 'coordination.k8s.io' && plural === 'leases') admitLease(request, node)
  },
}
