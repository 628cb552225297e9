import type { UnknownObject } from '../../../kube/object.ts'
import { forbidden, immutableMessage, invalid, invalidEach, nonNegative, required, tooLong } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import {
  canonicalIpErrors,
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  pathSegmentErrors,
  qualifiedNameErrors,
} from './name-syntax.ts'

const nameRules = {
  'dns-subdomain': dns1123SubdomainErrors,
  'dns-label': dns1123LabelErrors,
  'dns-1035-label': dns1035LabelErrors,
  'path-segment': pathSegmentErrors,
  'ip-address': canonicalIpErrors,
} as const

const annotationsMaxBytes = 256 * 1024
const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion']

export const validateLabels = (
  labels: Readonly<Record<string, string | undefined>> | undefined,
  path: string,
): FieldError[] => {
  const errors: FieldError[] = []
  for (const key in labels) {
    for (const message of qualifiedNameErrors(key)) errors.push(invalid(path, key, message))
    const value = labels[key] ?? ''
    for (const message of labelValueErrors(value)) errors.push(invalid(path, value, message))
  }
  return errors
}

export const validateAnnotations = (
  annotations: Readonly<Record<string, string | undefined>> | undefined,
  path: string,
): FieldError[] => {
  const errors: FieldError[] = []
  let bytes = 0
  for (const key in annotations) {
    // Annotation keys may be written in capitals, label keys may not: upstream lowers them before it checks.
    for (const message of qualifiedNameErrors(key.toLowerCase())) errors.push(invalid(path, key, message))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? '')
  }
  if (bytes > annotationsMaxBytes) errors.push(tooLong(path, annotationsMaxBytes))
  return errors
}

/** A generated name gets a suffix, so its prefix may end in a dash. */
const asGenerated = (prefix: string): string => (prefix.endsWith('-') ? `${prefix.slice(0, -1)}a` : prefix)

const validateName = (object: UnknownObject, kind: Pick<Kind, 'nameRule'>): FieldError[] => {
  const { name, generateName } = object.metadata ?? {}
  const rule = nameRules[kind.nameRule ?? 'dns-subdomain']
  const errors: FieldError[] = []
  if (generateName) errors.push(...invalidEach('metadata.generateName', generateName, rule(asGenerated(generateName))))
  if (name) errors.push(...invalidEach('metadata.name', name, rule(name)))
  else if (!generateName) errors.push(required('metadata.name', 'name or generateName is required'))
  return errors
}

const validateOwners = (object: UnknownObject): FieldError[] => {
  const errors: FieldError[] = []
  let controller: string | undefined
  // Upstream names the list, not its entry.
  const path = 'metadata.ownerReferences'
  for (const owner of object.metadata?.ownerReferences ?? []) {
    if (!owner.apiVersion) errors.push(invalid(`${path}.apiVersion`, '', 'version must not be empty'))
    for (const field of ['kind', 'name', 'uid'] as const)
      if (!owner[field]) errors.push(invalid(`${path}.${field}`, '', `${field} must not be empty`))
    if (owner.apiVersion === 'v1' && owner.kind === 'Event')
      errors.push(invalid(path, `${owner.apiVersion}, Kind=${owner.kind}`, 'is disallowed from being an owner'))
    if (owner.controller !== true) continue
    if (controller === undefined) controller = owner.name
    else
      errors.push(
        invalid(
          path,
          object.metadata?.ownerReferences,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${owner.name}`,
        ),
      )
  }
  return errors
}

/** Of Kubernetes' own kinds. `at` names the entry where upstream does. */
export const validateFinalizer = (finalizer: string, path: string, at: string): FieldError[] => {
  const errors = invalidEach(path, finalizer, qualifiedNameErrors(finalizer))
  if (!finalizer.includes('/') && !standardFinalizers.includes(finalizer))
    errors.push(invalid(at, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
  return errors
}

const validateFinalizers = (object: UnknownObject, anyFinalizers: boolean): FieldError[] => {
  const errors: FieldError[] = []
  const finalizers = object.metadata?.finalizers ?? []
  for (const [i, finalizer] of finalizers.entries()) {
    if (anyFinalizers) errors.push(...invalidEach('metadata.finalizers', finalizer, qualifiedNameErrors(finalizer)))
    else errors.push(...validateFinalizer(finalizer, 'metadata.finalizers', `metadata.finalizers[${i}]`))
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(
      invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'),
    )
  return errors
}

/** What holds for the metadata of every kind: name, namespace, labels, annotations, owners, finalizers. */
export const validateMetadata = (
  object: UnknownObject,
  kind: Pick<Kind, 'nameRule' | 'namespaced' | 'anyFinalizers'>,
): FieldError[] => {
  const meta = object.metadata ?? {}
  const errors = validateName(object, kind)
  if (kind.namespaced) {
    if (meta.namespace)
      errors.push(...invalidEach('metadata.namespace', meta.namespace, dns1123LabelErrors(meta.namespace)))
    else errors.push(required('metadata.namespace'))
  } else if (meta.namespace) errors.push(forbidden('metadata.namespace', 'not allowed on this type'))
  errors.push(...nonNegative('metadata.generation', meta.generation))
  if (meta.labels) errors.push(...validateLabels(meta.labels, 'metadata.labels'))
  if (meta.annotations) errors.push(...validateAnnotations(meta.annotations, 'metadata.annotations'))
  if (meta.ownerReferences?.length) errors.push(...validateOwners(object))
  if (meta.finalizers?.length) errors.push(...validateFinalizers(object, kind.anyFinalizers === true))
  return errors
}

/**
 * What an update may not change in the metadata of any kind. The registry has put back by then what clients may leave
 * out (uid, creationTimestamp, …), so a difference is a difference.
 */
export const validateMetadataUpdate = (object: UnknownObject, old: UnknownObject): FieldError[] => {
  const meta = object.metadata ?? {}
  const before = old.metadata ?? {}
  const errors: FieldError[] = []
  for (const key of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const)
    if (meta[key] !== before[key]) errors.push(invalid(`metadata.${key}`, meta[key], immutableMessage))
  if (before.deletionTimestamp) {
    // Nobody may hold up a deletion that has begun.
    const added = (meta.finalizers ?? []).filter(f => !(before.finalizers ?? []).includes(f))
    if (added.length > 0)
      errors.push(
        forbidden(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map(f => JSON.stringify(f)).join(', ')}}`,
        ),
      )
  }
  return errors
}
