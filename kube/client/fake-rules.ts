import { isDeepStrictEqual } from 'node:util'
import type { UnknownObject } from '../object.ts'
import type { DeleteOptions } from './client.ts'

type Fields = Record<string, unknown>

const withStatus = new Set([
  'Pod',
  'Node',
  'Namespace',
  'Service',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'Ingress',
  'PersistentVolumeClaim',
])

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

/** What the server sets on a new object, in place. A Node keeps the status it registers with. */
export const prepareForCreate = (object: UnknownObject): void => {
  if (withStatus.has(object.kind ?? '') && object.kind !== 'Node') delete object['status']
  if (object.kind === 'Pod') object['status'] = { phase: 'Pending' }
  if (object.kind === 'Namespace') {
    object['spec'] = { finalizers: ['kubernetes'] }
    object['status'] = { phase: 'Active' }
  }
}

/** What a write makes of an object: the main resource never touches status, a status write nothing else. */
export const afterUpdate = (old: UnknownObject, asked: UnknownObject, subresource: string): UnknownObject => {
  const next: UnknownObject = { ...asked, apiVersion: old.apiVersion ?? '', kind: old.kind ?? '' }
  if (subresource === 'status') Object.assign(next, { ...old, status: asked['status'] })
  else if (subresource === 'finalize') next['spec'] = asked['spec']
  else if (withStatus.has(old.kind ?? '')) {
    if (old['status'] === undefined) delete next['status']
    else next['status'] = old['status']
  }
  const specChanged = !isDeepStrictEqual(old['spec'], next['spec'])
  const { generation = 1, deletionTimestamp, deletionGracePeriodSeconds } = old.metadata ?? {}
  next.metadata = {
    ...(subresource === 'status' ? old.metadata : asked.metadata),
    ...keep(old.metadata ?? {}, ['uid', 'name', 'namespace', 'creationTimestamp', 'resourceVersion']),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
    generation: specChanged ? generation + 1 : generation,
  }
  if (next.metadata.finalizers?.length === 0) delete next.metadata.finalizers
  if (old.metadata?.generation === undefined && !specChanged) delete next.metadata.generation
  return next
}

const keep = <T extends object>(from: T, names: readonly (keyof T)[]): Partial<T> =>
  Object.fromEntries(names.flatMap(name => (from[name] === undefined ? [] : [[name, from[name]]]))) as Partial<T>

/** An object on its way out, `object` changed in place. */
export const afterDelete = (object: UnknownObject, options: DeleteOptions, now: string): UnknownObject => {
  const metadata = (object.metadata ??= {})
  const finalizer = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: '' }[
    options.propagationPolicy ?? 'Background'
  ]
  if (finalizer !== '' && !metadata.finalizers?.includes(finalizer))
    metadata.finalizers = [...(metadata.finalizers ?? []), finalizer]
  metadata.deletionTimestamp ??= now
  const grace = graceOf(object, options)
  if (object.kind === 'Pod')
    metadata.deletionGracePeriodSeconds = Math.min(metadata.deletionGracePeriodSeconds ?? grace, grace)
  if (object.kind === 'Namespace') object['status'] = { ...fieldsOf(object['status']), phase: 'Terminating' }
  return object
}

/** Only a pod that a node may be running is given time. */
const graceOf = (object: UnknownObject, options: DeleteOptions): number => {
  const spec = fieldsOf(object['spec'])
  const phase = fieldsOf(object['status'])['phase']
  if (object.kind !== 'Pod' || spec['nodeName'] === undefined || phase === 'Succeeded' || phase === 'Failed') return 0
  return options.gracePeriodSeconds ?? Number(spec['terminationGracePeriodSeconds'] ?? 30)
}

/** True when nothing holds a deleted object back any more. */
export const isGone = (object: UnknownObject): boolean =>
  object.metadata?.deletionTimestamp !== undefined &&
  (object.metadata.finalizers ?? []).length === 0 &&
  (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  !(object.kind === 'Namespace' && ((fieldsOf(object['spec'])['finalizers'] as unknown[] | undefined) ?? []).length > 0)

/** A pod bound to the node that a Binding names. */
export const bind = (pod: UnknownObject, binding: UnknownObject): UnknownObject => {
  pod['spec'] = { ...fieldsOf(pod['spec']), nodeName: fieldsOf(binding['target'])['name'] }
  const status = fieldsOf(pod['status'])
  const conditions = [{ type: 'PodScheduled', status: 'True' }]
  pod['status'] = { ...status, conditions }
  return pod
}
