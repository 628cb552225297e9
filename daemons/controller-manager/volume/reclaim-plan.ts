import type { PersistentVolume } from 'kubernetes-types/core/v1.js'

/** Fields of a spec that are no source of storage. */
const common = new Set([
  'accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy',
  'storageClassName', 'volumeAttributesClassName', 'volumeMode',
]) // prettier-ignore

/**
 * Why a released volume cannot be taken back; undefined: it stays Released until a person has looked at it, or its
 * driver deletes it. This daemon deletes no storage: upstream's does so for directories of its own machine alone.
 */
export const reclaim = ({ metadata, spec }: PersistentVolume): { reason: string; message: string } | undefined => {
  const policy = spec?.persistentVolumeReclaimPolicy ?? 'Retain'
  const source = Object.keys(spec ?? {}).find(field => !common.has(field))
  // A CSI volume is its driver's, which watches for this phase.
  if (policy === 'Retain' || source === 'csi') return undefined
  const name = JSON.stringify(metadata?.name ?? '')
  return policy === 'Recycle'
    ? { reason: 'VolumeFailedRecycle', message: `no volume plugin matched: volume ${name} cannot be recycled` }
    : {
        reason: 'VolumeFailedDelete',
        message: `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`,
      }
}
