import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js'
import { quantityToBytes } from '../../../kube/quantity.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import { isDeleting } from '../owner.ts'

/** The annotation is older than the field and still counts first. */
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** '' is a class of its own: volumes without one. */
export const classOf = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata?.annotations?.[classAnnotation] ?? spec?.storageClassName ?? ''

const modeOf = ({ spec }: PersistentVolume | PersistentVolumeClaim): string => spec?.volumeMode ?? 'Filesystem'

const capacityOf = ({ spec }: PersistentVolume): number => quantityToBytes(spec?.capacity?.['storage'] ?? '0')

const attributesClassOf = ({ spec }: PersistentVolume | PersistentVolumeClaim): string =>
  spec?.volumeAttributesClassName ?? ''

/** Does the volume name this claim? Without a uid it waits for whoever comes by that name. */
export const isBoundTo = ({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean => {
  const { name, namespace, uid = '' } = spec?.claimRef ?? {}
  return name === metadata?.name && namespace === metadata?.namespace && (uid === '' || uid === metadata?.uid)
}

/** Why a volume that a claim asks for by name cannot be its; undefined: it can. Upstream's words. */
export const mismatch = (volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined => {
  const wanted = claim.spec?.resources?.requests?.['storage'] ?? '0'
  if (capacityOf(volume) < quantityToBytes(wanted)) return 'requested PV is too small'
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match'
  if (attributesClassOf(volume) !== attributesClassOf(claim)) return 'volumeAttributesClassName does not match'
  if (modeOf(volume) !== modeOf(claim)) return 'incompatible volumeMode'
  const modes = volume.spec?.accessModes ?? []
  return (claim.spec?.accessModes ?? []).every(mode => modes.includes(mode)) ? undefined : 'incompatible accessMode'
}

/**
 * The volume for a claim: one that names it, else the smallest free one that will do. `prebound`: only the former, as
 * the class lets the scheduler choose among the others.
 */
export const bestVolume = (
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  { preboundOnly }: { preboundOnly: boolean },
): PersistentVolume | undefined => {
  const fitting = volumes.filter(volume => !isDeleting(volume) && mismatch(volume, claim) === undefined)
  const named = fitting.find(volume => isBoundTo(volume, claim))
  if (named !== undefined || preboundOnly) return named
  const { selector } = claim.spec ?? {}
  const [smallest] = fitting
    .filter(
      ({ spec, status, metadata }) =>
        spec?.claimRef === undefined &&
        status?.phase === 'Available' &&
        (selector === undefined || matchLabelSelector(selector, metadata?.labels)),
    )
    .sort((a, b) => capacityOf(a) - capacityOf(b) || ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
  return smallest
}
