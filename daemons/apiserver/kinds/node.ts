import type { Node } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, nameColumn, orNone } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, invalidEach, oneOf } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { cidrErrors, labelValueErrors, qualifiedNameErrors } from './name-syntax.ts'

const rolePrefix = 'node-role.kubernetes.io/'
const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
const wide = { wide: true }

const statusWord = (node: Draft<Node>): string => {
  const ready = (node.status?.conditions ?? []).find(c => c.type === 'Ready')
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return node.spec?.unschedulable === true ? `${word},SchedulingDisabled` : word
}

const rolesOf = (node: Draft<Node>): string => {
  const labels = node.metadata?.labels ?? {}
  const roles = Object.keys(labels)
    .filter(key => key.startsWith(rolePrefix) && key.length > rolePrefix.length)
    .map(key => key.slice(rolePrefix.length))
  const role = labels['kubernetes.io/role']
  if (role) roles.push(role)
  return orNone([...new Set(roles)].sort().join(','))
}

const address = (type: string) => (node: Draft<Node>) =>
  orNone((node.status?.addresses ?? []).find(a => a.type === type)?.address)

const validateTaints = (node: Draft<Node>): FieldError[] => {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, taint] of (node.spec?.taints ?? []).entries()) {
    // So upstream calls the place.
    const path = `metadata.taints[${i}]`
    errors.push(...invalidEach(`${path}.key`, taint.key ?? '', qualifiedNameErrors(taint.key ?? '')))
    if (taint.value) errors.push(...invalidEach(`${path}.value`, taint.value, labelValueErrors(taint.value)))
    errors.push(...oneOf(`${path}.effect`, taint.effect, taintEffects))
    const identity = `${taint.key}:${taint.effect}`
    if (seen.has(identity))
      errors.push({
        ...duplicate(path, taint),
        message: `${duplicate(path, taint).message}: taints must be unique by key and effect pair`,
      })
    seen.add(identity)
  }
  return errors
}

const validate = (node: Draft<Node>): FieldError[] => {
  const errors = validateTaints(node)
  const cidrs = node.spec?.podCIDRs ?? []
  for (const [i, cidr] of cidrs.entries()) errors.push(...invalidEach(`spec.podCIDRs[${i}]`, cidr, cidrErrors(cidr)))
  return errors
}

const validateUpdate = (next: Draft<Node>, old: Draft<Node>): FieldError[] => {
  const errors: FieldError[] = []
  const addresses = new Set<string>()
  for (const [i, { type = '', address: text = '' }] of (next.status?.addresses ?? []).entries()) {
    if (addresses.has(`${type} ${text}`)) errors.push(duplicate(`status.addresses[${i}]`, { type, address: text }))
    addresses.add(`${type} ${text}`)
  }
  const before = old.spec?.podCIDRs ?? []
  if (before.length > 0 && before.join() !== (next.spec?.podCIDRs ?? []).join())
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
  if (old.spec?.providerID && old.spec.providerID !== next.spec?.providerID)
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
  return errors
}

export const nodeKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.core.v1.Node',
  hasStatus: true,
  subresources: ['proxy'],
  generationFields: [],
  setDefaults: object => {
    const { spec, status } = draftOf<Node>(object)
    // The two spellings of the pod range stand for each other.
    // Where they differ, the older one counts, which old clients know alone.
    if (spec?.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR]
    else if (spec && !spec.podCIDR && spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0]
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
  },
  validate: object => validate(draftOf<Node>(object)),
  validateUpdate: (object, old) => validateUpdate(draftOf<Node>(object), draftOf<Node>(old)),
  selectableFields: { 'spec.unschedulable': object => String(draftOf<Node>(object).spec?.unschedulable ?? false) },
  columns: [
    nameColumn,
    column<Node>('Status', 'Whether it is ready, and open for new pods.', statusWord),
    column<Node>('Roles', 'What its role labels say.', rolesOf),
    ageColumn,
    column<Node>('Version', "Its kubelet's version.", o => o.status?.nodeInfo?.kubeletVersion ?? ''),
    column<Node>('Internal-IP', 'Its address in the cluster.', address('InternalIP'), wide),
    column<Node>('External-IP', 'Its address outside.', address('ExternalIP'), wide),
    column<Node>('OS-Image', 'Its operating system.', o => o.status?.nodeInfo?.osImage || '<unknown>', wide),
    column<Node>('Kernel-Version', 'Its kernel.', o => o.status?.nodeInfo?.kernelVersion || '<unknown>', wide),
    column<Node>(
      'Container-Runtime',
      'What runs its containers.',
      o => o.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
      wide,
    ),
  ],
}
