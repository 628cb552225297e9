import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import { bestVolume, classOf, isBoundTo, mismatch } from './volume-match.ts'

export const boundByController = 'pv.kubernetes.io/bound-by-controller'
export const bindCompleted = 'pv.kubernetes.io/bind-completed'

type Told = ['Normal' | 'Warning', string, string]

export type ClaimPlan =
  /** Both come to name each other, and are Bound. */
  | { kind: 'bind'; volume: PersistentVolume }
  | { kind: 'pending'; event: Told | undefined }
  | { kind: 'lost'; event: Told }

const pending = (type: Told[0], reason: string, message: string): ClaimPlan => ({
  kind: 'pending',
  event: [type, reason, message],
})

const silent: ClaimPlan = { kind: 'pending', event: undefined }

/** Why nothing has come of a claim that found no volume. */
const waiting = (claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): ClaimPlan => {
  const name = classOf(claim)
  if (name === '')
    return pending(
      'Normal',
      'FailedBinding',
      'no persistent volumes available for this claim and no storage class is set',
    )
  if (storageClass === undefined)
    return pending('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io ${JSON.stringify(name)} not found`)
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer')
    return pending('Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
  const { provisioner } = storageClass
  if (provisioner === 'kubernetes.io/no-provisioner') return silent
  return pending(
    'Normal',
    'ExternalProvisioning',
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
  )
}

const lost = (reason: string, message: string): ClaimPlan => ({ kind: 'lost', event: ['Warning', reason, message] })

/** A claim that was bound once: it is never given another volume. */
const planBound = (claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ClaimPlan => {
  if ((claim.spec?.volumeName ?? '') === '')
    return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  if (volume === undefined)
    return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  if (volume.spec?.claimRef === undefined || isBoundTo(volume, claim)) return { kind: 'bind', volume }
  return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}

/** What comes of a claim, by the volumes there are. */
export const planClaim = (
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  storageClass: StorageClass | undefined,
): ClaimPlan => {
  const { volumeName = '' } = claim.spec ?? {}
  const named = volumes.find(({ metadata }) => metadata?.name === volumeName)
  if (claim.metadata?.annotations?.[bindCompleted] !== undefined) return planBound(claim, named)
  if (volumeName === '') {
    const preboundOnly = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
    const volume = bestVolume(claim, volumes, { preboundOnly })
    return volume === undefined ? waiting(claim, storageClass) : { kind: 'bind', volume }
  }
  if (named === undefined) return silent
  if (named.spec?.claimRef !== undefined) return isBoundTo(named, claim) ? { kind: 'bind', volume: named } : silent
  const why = mismatch(named, claim)
  if (why === undefined) return { kind: 'bind', volume: named }
  return pending('Warning', 'VolumeMismatch', `Cannot bind to requested volume ${JSON.stringify(volumeName)}: ${why}`)
}

export type VolumePlan =
  | { kind: 'phase'; phase: 'Available' | 'Bound' }
  /** Its claim is gone: what becomes of it is its reclaim policy's to say. */
  | { kind: 'released' }
  /** The controller had given it to a claim that has another one now. */
  | { kind: 'unbind' }
  /** Its claim is still to come to it. */
  | { kind: 'wait' }

/** What becomes of a volume. `claim`: the one that it names, as it is now. */
export const planVolume = (volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumePlan => {
  const reference = volume.spec?.claimRef
  if (reference === undefined || (reference.uid ?? '') === '') return { kind: 'phase', phase: 'Available' }
  // Another claim of the same name has no right to it.
  if (claim === undefined || claim.metadata?.uid !== reference.uid) return { kind: 'released' }
  const { volumeName = '' } = claim.spec ?? {}
  if (volumeName === '') return { kind: 'wait' }
  if (volumeName === volume.metadata?.name) return { kind: 'phase', phase: 'Bound' }
  return volume.metadata?.annotations?.[boundByController] === undefined ? { kind: 'wait' } : { kind: 'unbind' }
}
