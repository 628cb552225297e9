import { isDeepStrictEqual } from 'node:util'
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from 'kubernetes-types/storage/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { validateCsiDriverName } from './csi-driver-name.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, immutableMessage, invalid, invalidEach, required, tooLong } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123SubdomainErrors } from './name-syntax.ts'
import { validateParameters } from './storage-parameters.ts'

const maxMessageBytes = 1024

const validateSource = (source: Draft<VolumeAttachmentSource> | undefined, path: string): FieldError[] => {
  const { inlineVolumeSpec, persistentVolumeName: name } = source ?? {}
  if (inlineVolumeSpec && name !== undefined)
    return [forbidden(path, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName')]
  if (!inlineVolumeSpec && name === undefined)
    return [required(path, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName')]
  if (name === undefined) return []
  const at = `${path}.persistentVolumeName`
  const empty = name === '' ? [required(at, 'must specify non empty persistentVolumeName')] : []
  return [...empty, ...invalidEach(at, name, dns1123SubdomainErrors(name))]
}

const validateProblem = (problem: Draft<VolumeError> | undefined, path: string): FieldError[] =>
  (problem?.message ?? '').length > maxMessageBytes ? [tooLong(`${path}.message`, maxMessageBytes)] : []

const validate = ({ spec = {}, status = {} }: Draft<VolumeAttachment>): FieldError[] => [
  ...validateCsiDriverName(spec.attacher, 'spec.attacher'),
  ...validateSource(spec.source, 'spec.source'),
  ...invalidEach('spec.nodeName', spec.nodeName ?? '', dns1123SubdomainErrors(spec.nodeName ?? '')),
  ...validateParameters(status.attachmentMetadata, { path: 'status.attachmentMetadata', mayBeEmpty: true }),
  ...validateProblem(status.attachError, 'status.attachError'),
  ...validateProblem(status.detachError, 'status.detachError'),
]

export const volumeAttachmentKind: Kind = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.storage.v1.VolumeAttachment',
  hasStatus: true,
  subresources: [],
  generationFields: [],
  prepareForCreate: object => {
    object['status'] = { attached: false }
  },
  validate: object => validate(draftOf<VolumeAttachment>(object)),
  validateUpdate: (object, old, subresource) => {
    if (subresource === 'status') return validate(draftOf<VolumeAttachment>(object))
    const { spec } = draftOf<VolumeAttachment>(object)
    return isDeepStrictEqual(spec, draftOf<VolumeAttachment>(old).spec) ? [] : [invalid('spec', spec, immutableMessage)]
  },
  columns: [
    nameColumn,
    column<VolumeAttachment>('Attacher', 'The driver that attaches.', o => o.spec?.attacher ?? ''),
    column<VolumeAttachment>('PV', 'The volume.', o => o.spec?.source?.persistentVolumeName ?? ''),
    column<VolumeAttachment>('Node', 'Where to.', o => o.spec?.nodeName ?? ''),
    column<VolumeAttachment>('Attached', 'Whether it is done.', o => o.status?.attached ?? false, { type: 'boolean' }),
    ageColumn,
  ],
}
