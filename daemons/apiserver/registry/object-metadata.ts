import { randomInt, randomUUID } from 'node:crypto'
import type { ObjectMeta, UnknownObject } from '../../../kube/object.ts'
import { equalJson } from '../../../kube/patch/json-value.ts'
import { apiError } from '../../../kube/status.ts'
import type { Kind } from '../kinds/kind.ts'
import { conflict } from './api-errors.ts'
import type { ObjectTarget } from './registry.ts'

/** Without vowels, and without the digits that look like them: upstream's rand.String, so that no words appear. */
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** `generateName` is cut so that the whole stays a label. */
export const generateName = (base: string): string => {
  let suffix = ''
  for (let i = 0; i < 5; i++) suffix += nameAlphabet[randomInt(nameAlphabet.length)] ?? ''
  return base.slice(0, 58) + suffix
}

/** The namespace and name in the object, completed from the URL, must be those of the URL. */
export const matchTarget = (object: UnknownObject, { kind, namespace, name }: ObjectTarget): ObjectMeta => {
  const meta = (object.metadata ??= {})
  if (kind.namespaced) {
    if (meta.namespace === undefined || meta.namespace === '') meta.namespace = namespace
    else if (namespace !== '' && meta.namespace !== namespace)
      throw apiError(
        'BadRequest',
        'the namespace of the provided object does not match the namespace sent on the request',
      )
  } else if (meta.namespace === '') delete meta.namespace
  if (name !== '') {
    if (meta.name === undefined || meta.name === '') meta.name = name
    else if (meta.name !== name)
      throw apiError('BadRequest', `the name of the object (${meta.name}) does not match the name on the URL (${name})`)
  }
  return meta
}

/** Gives a new object what the system keeps. */
export const startMetadata = (object: UnknownObject, kind: Kind, now: string): void => {
  const meta = (object.metadata ??= {})
  if (meta.resourceVersion !== undefined && meta.resourceVersion !== '')
    throw apiError('BadRequest', 'resourceVersion should not be set on objects to be created')
  for (const field of ['resourceVersion', 'selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const)
    delete (meta as Record<string, unknown>)[field]
  meta.uid = randomUUID()
  meta.creationTimestamp = now
  if (kind.generationFields.length > 0) meta.generation = 1
  else delete meta.generation
}

/** What admission put in the place of a new object, with what the system keeps of it as it was. */
export const restoreMetadata = (next: UnknownObject, first: UnknownObject, target: ObjectTarget): UnknownObject => {
  const meta = matchTarget(next, target) as ObjectMeta & Record<string, unknown>
  const before = (first.metadata ?? {}) as ObjectMeta & Record<string, unknown>
  if (meta.name === undefined || meta.name === '') meta.name = before.name ?? ''
  for (const field of ['uid', 'creationTimestamp', 'generation', 'managedFields']) {
    if (meta[field] === undefined || field !== 'managedFields') {
      if (before[field] === undefined) delete meta[field]
      else meta[field] = before[field]
    }
  }
  for (const field of ['resourceVersion', 'selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds'])
    delete meta[field]
  return next
}

/** Lays over an update what the system keeps; a uid or resourceVersion of another object is a conflict. */
export const keepMetadata = (next: UnknownObject, live: UnknownObject, { kind, name }: ObjectTarget): void => {
  const meta = (next.metadata ??= {}) as ObjectMeta & Record<string, unknown>
  const before = (live.metadata ?? {}) as ObjectMeta & Record<string, unknown>
  if (meta.uid !== undefined && meta.uid !== '' && meta.uid !== before.uid)
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${meta.uid}, UID in object meta: ${before.uid ?? ''}`,
    )
  if (
    meta.resourceVersion !== undefined &&
    meta.resourceVersion !== '' &&
    meta.resourceVersion !== before.resourceVersion
  )
    throw conflict(kind, name)
  const kept = [
    'uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation',
    'generateName', 'selfLink',
  ] // prettier-ignore
  for (const field of kept) {
    if (before[field] === undefined) delete meta[field]
    else meta[field] = before[field]
  }
  // The very list that stands: so that "nothing changed" can be seen at a glance.
  if (meta.managedFields === undefined || equalJson(meta.managedFields, before.managedFields)) {
    if (before.managedFields === undefined) delete meta.managedFields
    else meta.managedFields = before.managedFields
  }
}

/** Counts a change of the fields that the kind calls its specification. */
export const raiseGeneration = (next: UnknownObject, live: UnknownObject, kind: Kind): void => {
  const raises =
    kind.custom === undefined
      ? kind.generationFields.some(field => !equalJson(next[field], live[field]))
      : kind.custom.raisesGeneration(next, live)
  if (!raises) return
  next.metadata = { ...next.metadata, generation: (live.metadata?.generation ?? 0) + 1 }
}

/** What holds up a deletion: metadata.finalizers, and of a namespace also spec.finalizers. */
export const pendingFinalizers = (object: UnknownObject): string[] => {
  const own = object.metadata?.finalizers ?? []
  const spec = object.kind === 'Namespace' ? (object['spec'] as { finalizers?: string[] } | undefined) : undefined
  return spec?.finalizers === undefined ? own : [...own, ...spec.finalizers]
}
