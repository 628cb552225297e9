import type { PersistentVolume } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { posix } from 'node:path'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, invalidEach, notSupported, required } from './field-error.ts'
import { validateCsiDriverName } from './csi-driver-name.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors } from './name-syntax.ts'
import type { FieldError, Kind } from './kind.ts'
import { volumeWarnings } from './storage-warnings.ts'
import { validateNodeSelector } from './scheduling-validation.ts'
import { immutable } from './status-counts.ts'
import {
  canonicalizeQuantities,
  shortAccessModes,
  storageClassOf,
  validateAccessModes,
  validateClassName,
  validateStorage,
  volumeModes,
} from './storage-rules.ts'
import { validateVolumeSource } from './volume-validation.ts'

type Row = Draft<PersistentVolume>
type Spec = NonNullable<Row['spec']>

const reclaimPolicies = ['Delete', 'Recycle', 'Retain']
/** Fields of a spec that are no source of storage. */
const common = new Set([
  'accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy',
  'storageClassName', 'volumeAttributesClassName', 'volumeMode',
]) // prettier-ignore

/** What upstream fills in of the sources that are old enough to have defaults. */
const defaultSource = (spec: Spec): void => {
  if (spec.hostPath) spec.hostPath.type ??= ''
  if (spec.iscsi) spec.iscsi.iscsiInterface ||= 'default'
  if (spec.rbd) {
    spec.rbd.pool ||= 'rbd'
    spec.rbd.user ||= 'admin'
    spec.rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (spec.azureDisk) {
    spec.azureDisk.cachingMode ??= 'ReadWrite'
    spec.azureDisk.kind ??= 'Shared'
    spec.azureDisk.fsType ??= 'ext4'
    spec.azureDisk.readOnly ??= false
  }
  if (spec.scaleIO) {
    spec.scaleIO.storageMode ||= 'ThinProvisioned'
    spec.scaleIO.fsType ||= 'xfs'
  }
}

const sourcesOf = (spec: Spec): Record<string, unknown> =>
  Object.fromEntries(Object.entries(spec).filter(([field, value]) => !common.has(field) && value !== undefined))

const validateCapacity = ({ capacity }: Spec): FieldError[] => {
  const entries = Object.entries(capacity ?? {})
  const errors: FieldError[] = []
  if (entries.length === 0) errors.push(required('spec.capacity'))
  if (capacity?.['storage'] === undefined || entries.length > 1)
    errors.push(notSupported('spec.capacity', capacity ?? {}, ['storage']))
  for (const [name, text] of entries) errors.push(...validateStorage(text ?? '', `spec.capacity[${name}]`))
  return errors
}

const validateCsi = (csi: NonNullable<Spec['csi']>): FieldError[] => {
  const errors = validateCsiDriverName(csi.driver, 'spec.csi.driver')
  if (!csi.volumeHandle) errors.push(required('spec.csi.volumeHandle'))
  for (const field of [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ] as const) {
    const ref = csi[field]
    if (!ref) continue
    const path = `spec.csi.${field}`
    if (!ref.name) errors.push(required(`${path}.name`))
    else errors.push(...invalidEach(`${path}.name`, ref.name, dns1123SubdomainErrors(ref.name)))
    if (!ref.namespace) errors.push(required(`${path}.namespace`))
    else errors.push(...invalidEach(`${path}.namespace`, ref.namespace, dns1123LabelErrors(ref.namespace)))
  }
  return errors
}

const validateSources = (spec: Spec): FieldError[] => {
  const [first, ...others] = Object.keys(sourcesOf(spec))
  if (first === undefined) return [required('spec', 'must specify a volume type')]
  const errors = others.map(extra => forbidden(`spec.${extra}`, 'may not specify more than 1 volume type'))
  const { local, csi, hostPath, nfs } = spec
  errors.push(...validateVolumeSource({ ...(hostPath && { hostPath }), ...(nfs && { nfs }) }, 'spec'))
  if (csi) errors.push(...validateCsi(csi))
  if (local) {
    if (!local.path) errors.push(required('spec.local.path'))
    else if (local.path.split('/').includes('..'))
      errors.push(invalid('spec.local.path', local.path, "must not contain '..'"))
    if (!spec.nodeAffinity?.required) errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'))
  }
  return errors
}

const validateNodeAffinity = ({ nodeAffinity }: Spec): FieldError[] => {
  if (!nodeAffinity) return []
  const path = 'spec.nodeAffinity.required'
  return nodeAffinity.required
    ? validateNodeSelector(nodeAffinity.required, path)
    : [required(path, 'must specify required node constraints')]
}

const validate = (volume: Row): FieldError[] => {
  const spec = volume.spec ?? {}
  const errors: FieldError[] = []
  if (!spec.accessModes?.length) errors.push(required('spec.accessModes'))
  errors.push(...validateAccessModes(spec.accessModes, 'spec.accessModes'), ...validateCapacity(spec))
  const policy = spec.persistentVolumeReclaimPolicy
  if (policy && !reclaimPolicies.includes(policy))
    errors.push(notSupported('spec.persistentVolumeReclaimPolicy', policy, reclaimPolicies))
  errors.push(...validateNodeAffinity(spec), ...validateSources(spec))
  if (policy === 'Recycle' && spec.hostPath?.path && /^\/+$/.test(posix.normalize(spec.hostPath.path)))
    errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
  errors.push(...validateClassName(spec.storageClassName, 'spec.storageClassName'))
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode))
    errors.push(notSupported('spec.volumeMode', spec.volumeMode, volumeModes))
  const attributes = spec.volumeAttributesClassName
  if (attributes === undefined || attributes === null) return errors
  const path = 'spec.volumeAttributesClassName'
  if (attributes === '') errors.push(required(path, 'an empty string is disallowed'))
  errors.push(...validateClassName(attributes, path))
  if (!spec.csi) errors.push(required('spec.csi', 'has to be specified when using volumeAttributesClassName'))
  return errors
}

/** Its storage is what it is; a secret for growing it may still be named. */
const validateUpdate = (next: Row, old: Row): FieldError[] => {
  const [spec, before] = [next.spec ?? {}, old.spec ?? {}]
  const sources = sourcesOf(spec)
  if (spec.csi && before.csi && before.csi.controllerExpandSecretRef === undefined) {
    const { controllerExpandSecretRef: _, ...csi } = spec.csi
    sources['csi'] = csi
  }
  const errors: FieldError[] = []
  if (!isDeepStrictEqual(sources, sourcesOf(before)))
    errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'))
  errors.push(...immutable('volumeMode', spec.volumeMode, spec.volumeMode === before.volumeMode))
  if (before.nodeAffinity)
    errors.push(
      ...immutable('nodeAffinity', spec.nodeAffinity, isDeepStrictEqual(spec.nodeAffinity, before.nodeAffinity)),
    )
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
    errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'))
  return errors
}

const text =
  (read: (o: Row) => string | undefined, empty = '') =>
  (o: Row) =>
    read(o) || empty

export const persistentVolumeKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.core.v1.PersistentVolume',
  hasStatus: true,
  subresources: [],
  generationFields: [],
  setDefaults: object => {
    const volume = draftOf<PersistentVolume>(object)
    const spec = (volume.spec ??= {})
    spec.persistentVolumeReclaimPolicy ||= 'Retain'
    spec.volumeMode ||= 'Filesystem'
    defaultSource(spec)
    canonicalizeQuantities(spec.capacity)
    ;(volume.status ??= {}).phase ||= 'Pending'
  },
  prepareForCreate: object => {
    const since = object.metadata?.creationTimestamp
    object['status'] = { phase: 'Pending', ...(since === undefined ? {} : { lastPhaseTransitionTime: since }) }
  },
  prepareForStatus: (object, old, now) => {
    const [status, before] = [draftOf<PersistentVolume>(object).status, draftOf<PersistentVolume>(old).status]
    if (!status || status.phase === before?.phase) return
    if (status.lastPhaseTransitionTime === before?.lastPhaseTransitionTime) status.lastPhaseTransitionTime = now
  },
  validate: object => validate(draftOf<PersistentVolume>(object)),
  validateUpdate: (object, old, subresource) =>
    subresource === 'status' ? [] : validateUpdate(draftOf<PersistentVolume>(object), draftOf<PersistentVolume>(old)),
  warnings: object => volumeWarnings(draftOf<PersistentVolume>(object)),
  columns: [
    nameColumn,
    column<PersistentVolume>('Capacity', 'Its size.', o => o.spec?.capacity?.['storage'] ?? '0'),
    column<PersistentVolume>('Access Modes', 'How it can be mounted.', o => shortAccessModes(o.spec?.accessModes)),
    column<PersistentVolume>(
      'Reclaim Policy',
      'What happens to it when its claim goes.',
      text(o => o.spec?.persistentVolumeReclaimPolicy),
    ),
    column<PersistentVolume>('Status', 'Where it is in its life.', o =>
      o.metadata?.deletionTimestamp ? 'Terminating' : (o.status?.phase ?? ''),
    ),
    column<PersistentVolume>('Claim', 'Whose it is.', o =>
      o.spec?.claimRef ? `${o.spec.claimRef.namespace ?? ''}/${o.spec.claimRef.name ?? ''}` : '',
    ),
    column<PersistentVolume>('StorageClass', 'The class of storage it belongs to.', storageClassOf),
    column<PersistentVolume>(
      'VolumeAttributesClass',
      'The class of attributes it has.',
      text(o => o.spec?.volumeAttributesClassName, '<unset>'),
    ),
    column<PersistentVolume>(
      'Reason',
      'Why it is in that state.',
      text(o => o.status?.reason),
    ),
    ageColumn,
    column<PersistentVolume>(
      'VolumeMode',
      'A file system or a block device.',
      text(o => o.spec?.volumeMode, '<unset>'),
      {
        wide: true,
      },
    ),
  ],
}
