import type { Pod } from 'kubernetes-types/core/v1.js'
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js'
import { draftOf } from '../kinds/draft.ts'
import type { Draft } from '../kinds/draft.ts'
import { forbid, writes } from './forbid.ts'
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from './plugin.ts'

const group = 'scheduling.k8s.io'

/** The class that pods get that name none: of several, the lowest. */
const globalDefault = (reader: AdmissionReader): Draft<PriorityClass> | undefined =>
  reader
    .list(group, 'priorityclasses')
    .map(object => draftOf<PriorityClass>(object))
    .filter(row => row.globalDefault === true)
    .sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0]

const classOf = (
  request: AdmissionRequest,
  reader: AdmissionReader,
  name: string | undefined,
): Draft<PriorityClass> => {
  if (!name) return globalDefault(reader) ?? {}
  const found = reader.get(group, 'priorityclasses', '', name)
  if (found === undefined) throw forbid(request, `no PriorityClass with name ${name} was found`)
  return draftOf<PriorityClass>(found)
}

const admitNewPod = (request: AdmissionRequest, pod: Draft<Pod>, reader: AdmissionReader): void => {
  const spec = (pod.spec ??= {})
  const row = classOf(request, reader, spec.priorityClassName)
  if (!spec.priorityClassName && row.metadata?.name) spec.priorityClassName = row.metadata.name
  const priority = row.value ?? 0
  const policy = row.preemptionPolicy ?? 'PreemptLowerPriority'
  if (spec.priority !== undefined && spec.priority !== priority)
    throw forbid(
      request,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
    )
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
    throw forbid(
      request,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    )
  spec.priority = priority
  spec.preemptionPolicy = policy
}

const admitClass = (request: AdmissionRequest, reader: AdmissionReader): void => {
  if (request.object === undefined || draftOf<PriorityClass>(request.object).globalDefault !== true) return
  const other = globalDefault(reader)?.metadata?.name
  if (other !== undefined && other !== request.name)
    throw forbid(request, `PriorityClass ${other} is already marked as default. Only one default can exist`)
}

/** Turns the name of a pod's priority class into its number. */
export const priorityPlugin: AdmissionPlugin = {
  name: 'Priority',
  handles: route =>
    route.operation !== 'delete' && (writes(route, '', 'pods') || writes(route, group, 'priorityclasses')),
  validate: (request, reader) => {
    if (writes(request, group, 'priorityclasses')) admitClass(request, reader)
  },
  admit: (request, reader) => {
    if (!writes(request, '', 'pods') || request.object === undefined) return
    const pod = draftOf<Pod>(request.object)
    if (request.operation === 'create') return admitNewPod(request, pod, reader)
    // An update made from a manifest leaves out what was computed when the pod was made.
    const before = request.old === undefined ? undefined : draftOf<Pod>(request.old).spec
    if (!pod.spec || !before) return
    if (before.priority !== undefined) pod.spec.priority ??= before.priority
    if (before.preemptionPolicy !== undefined) pod.spec.preemptionPolicy ??= before.preemptionPolicy
  },
}
