import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, immutableMessage, invalid } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { validateClaimSpec } from './persistent-volume-claim-spec.ts'
import { claimWarnings } from './storage-warnings.ts'
import { nanoOf, validateQuantity } from './resource-validation.ts'
import { betaClassOf, canonicalizeQuantities, shortAccessModes, storageClassOf } from './storage-rules.ts'

type Row = Draft<PersistentVolumeClaim>
type Spec = Draft<PersistentVolumeClaimSpec>

/** In place; also of claims that templates make. */
export const defaultClaimSpec = (spec: Spec): void => {
  spec.volumeMode ??= 'Filesystem'
  const resources = (spec.resources ??= {})
  canonicalizeQuantities(resources.requests)
  canonicalizeQuantities(resources.limits)
}

/** The older and the newer field for the source of a claim's data say the same. */
const settleSources = (spec: Spec): void => {
  const { dataSource: older, dataSourceRef: newer } = spec
  if (newer?.namespace) return
  if (older && !newer) spec.dataSourceRef = { ...older }
  else if (newer && !older) {
    const { namespace: _, ...source } = newer
    spec.dataSource = source
  }
}

/** The spec with everything taken from `old` that may differ from it. */
const settled = (next: Row, old: Row): unknown => {
  const spec: Spec = { ...next.spec }
  const before = old.spec ?? {}
  if (!before.volumeName && spec.volumeName !== undefined) delete spec.volumeName
  // A class may be named where there was none: that is how a default class comes in late.
  const beta = betaClassOf(old)
  if (before.storageClassName === undefined && spec.storageClassName !== undefined)
    if (beta === undefined || beta === spec.storageClassName) delete spec.storageClassName
  if (next.status?.phase === 'Bound' && spec.resources?.requests) {
    const storage = before.resources?.requests?.['storage']
    const requests = { ...spec.resources.requests, ...(storage === undefined ? {} : { storage }) }
    spec.resources = { ...spec.resources, requests }
  }
  delete spec.volumeAttributesClassName
  return spec
}

const asBefore = (old: Row): unknown => {
  const { volumeAttributesClassName: _, ...spec } = old.spec ?? {}
  if (!spec.volumeName) delete spec.volumeName
  return spec
}

const validateSize = (next: Row, old: Row): FieldError[] => {
  const sizeOf = (list: Readonly<Record<string, string | undefined>> | undefined) =>
    nanoOf(list?.['storage'] ?? '0') ?? 0n
  const wanted = sizeOf(next.spec?.resources?.requests)
  if (wanted >= sizeOf(old.spec?.resources?.requests) || wanted > sizeOf(old.status?.capacity)) return []
  return [forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')]
}

const validateChange = (next: Row, old: Row): FieldError[] => {
  const errors: FieldError[] = []
  if (!isDeepStrictEqual(settled(next, old), asBefore(old)))
    errors.push(
      forbidden(
        'spec',
        'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      ),
    )
  errors.push(...validateSize(next, old))
  if (next.spec?.volumeMode !== old.spec?.volumeMode)
    errors.push(invalid('volumeMode', next.spec?.volumeMode, immutableMessage))
  const [name, before] = [next.spec?.volumeAttributesClassName, old.spec?.volumeAttributesClassName]
  if (before !== undefined && !name)
    errors.push(
      forbidden(
        'spec.volumeAttributesClassName',
        `update from non-nil value to ${name === undefined ? 'nil' : 'an empty string'} is forbidden`,
      ),
    )
  return errors
}

const validateStatus = ({ status }: Row): FieldError[] =>
  (['capacity', 'allocatedResources'] as const).flatMap(field =>
    Object.entries(status?.[field] ?? {}).flatMap(([name, text]) =>
      validateQuantity(text ?? '', `status.${field}[${name}]`),
    ),
  )

export const persistentVolumeClaimKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  hasStatus: true,
  subresources: [],
  generationFields: [],
  setDefaults: object => {
    const claim = draftOf<PersistentVolumeClaim>(object)
    defaultClaimSpec((claim.spec ??= {}))
    ;(claim.status ??= {}).phase ||= 'Pending'
  },
  prepareForCreate: object => {
    object['status'] = { phase: 'Pending' }
    settleSources(draftOf<PersistentVolumeClaim>(object).spec ?? {})
  },
  prepareForUpdate: object => settleSources(draftOf<PersistentVolumeClaim>(object).spec ?? {}),
  validate: object => validateClaimSpec(draftOf<PersistentVolumeClaim>(object).spec ?? {}, 'spec'),
  validateUpdate: (object, old, subresource) =>
    subresource === 'status'
      ? validateStatus(draftOf<PersistentVolumeClaim>(object))
      : validateChange(draftOf<PersistentVolumeClaim>(object), draftOf<PersistentVolumeClaim>(old)),
  warnings: object => claimWarnings(draftOf<PersistentVolumeClaim>(object)),
  columns: [
    nameColumn,
    column<PersistentVolumeClaim>('Status', 'Where it is in its life.', o =>
      o.metadata?.deletionTimestamp ? 'Terminating' : (o.status?.phase ?? ''),
    ),
    column<PersistentVolumeClaim>('Volume', 'The volume it is bound to.', o => o.spec?.volumeName ?? ''),
    column<PersistentVolumeClaim>('Capacity', 'The size of the volume.', o =>
      o.spec?.volumeName ? (o.status?.capacity?.['storage'] ?? '0') : '',
    ),
    column<PersistentVolumeClaim>('Access Modes', 'How it can be mounted.', o =>
      o.spec?.volumeName ? shortAccessModes(o.status?.accessModes) : '',
    ),
    column<PersistentVolumeClaim>('StorageClass', 'The class of storage it asks for.', storageClassOf),
    column<PersistentVolumeClaim>(
      'VolumeAttributesClass',
      'The class of attributes it asks for.',
      o => o.spec?.volumeAttributesClassName ?? '<unset>',
    ),
    ageColumn,
    column<PersistentVolumeClaim>(
      'VolumeMode',
      'A file system or a block device.',
      o => o.spec?.volumeMode ?? '<unset>',
      {
        wide: true,
      },
    ),
  ],
}
