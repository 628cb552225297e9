import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { termWarnings } from './node-label-warnings.ts'
import { nanoOf } from './resource-validation.ts'

/** Sources of storage that left Kubernetes' own code, by their field. */
const deprecatedSources: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

/** One for each deprecated source among the fields of a volume. */
export const sourceWarnings = (volume: object, path: string): string[] =>
  Object.entries(volume).flatMap(([field, value]) => {
    const text = Object.hasOwn(deprecatedSources, field) ? deprecatedSources[field] : undefined
    // Upstream writes this one field's name otherwise than the API does.
    const shown = field === 'storageos' ? 'storageOS' : field
    return text === undefined || !value ? [] : [`${path}.${shown}: ${text}`]
  })

/** Bytes do not come in parts. */
export const fractionWarning = (text: string | undefined, path: string): string[] => {
  const nano = text === undefined ? undefined : nanoOf(text)
  return nano !== undefined && (nano / 1_000_000n) % 1000n !== 0n
    ? [`${path}: fractional byte value ${JSON.stringify(text)} is invalid, must be an integer`]
    : []
}

type Annotated = { metadata?: { annotations?: Readonly<Record<string, string | undefined>> | undefined } | undefined }

const annotationWarnings = (object: Annotated, deprecated: Readonly<Record<string, string>>): string[] =>
  Object.entries(deprecated)
    .filter(([key]) => object.metadata?.annotations?.[key] !== undefined)
    .map(([key, text]) => `metadata.annotations[${key}]: ${text}`)

const classAnnotation = {
  'volume.beta.kubernetes.io/storage-class': 'deprecated since v1.8; use "storageClassName" attribute instead',
}

export const claimSpecWarnings = (spec: Draft<PersistentVolumeClaimSpec> | undefined, path: string): string[] =>
  (['requests', 'limits'] as const).flatMap(list =>
    fractionWarning(spec?.resources?.[list]?.['storage'], `${path}.resources.${list}[storage]`),
  )

export const claimWarnings = (claim: Draft<PersistentVolumeClaim>): string[] => [
  ...annotationWarnings(claim, classAnnotation),
  ...claimSpecWarnings(claim.spec, 'spec'),
]

export const volumeWarnings = (volume: Draft<PersistentVolume>): string[] => [
  ...annotationWarnings(volume, {
    ...classAnnotation,
    'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
  }),
  ...(volume.spec?.persistentVolumeReclaimPolicy === 'Recycle'
    ? [
        'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      ]
    : []),
  ...termWarnings(
    volume.spec?.nodeAffinity?.required?.nodeSelectorTerms,
    'spec.nodeAffinity.required.nodeSelectorTerms',
  ),
  ...sourceWarnings(volume.spec ?? {}, 'spec'),
]
