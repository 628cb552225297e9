import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import type { EventRecorder } from '../../../kube/client/event-recorder.ts'
import { unreachable } from '../../../kube/errors.ts'
import { objectKey } from '../../../kube/object.ts'
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { isDeleting } from '../owner.ts'
import { applyWrite, updateWrite } from '../write.ts'
import { bindCompleted, boundByController, planClaim, planVolume } from './binding-plan.ts'
import { reclaim } from './reclaim-plan.ts'
import { classOf, isBoundTo } from './volume-match.ts'

const withAnnotations = <T extends PersistentVolume | PersistentVolumeClaim>(
  object: T,
  names: readonly string[],
): T => ({
  ...object,
  metadata: {
    ...object.metadata,
    annotations: { ...object.metadata?.annotations, ...Object.fromEntries(names.map(name => [name, 'yes'])) },
  },
})

class BinderController {
  readonly #context: ControllerContext
  readonly #recorder: EventRecorder

  constructor(context: ControllerContext) {
    this.#context = context
    this.#recorder = context.recorder('persistentvolume-controller')
  }

  start(): void {
    const { informers } = this.#context
    const claims = informers.of(persistentVolumeClaims)
    const volumes = informers.of(persistentVolumes)
    const classes = informers.of(storageClasses)
    // One worker each: two claims that are looked at at once would choose the same volume.
    const claimQueue = this.#context.startQueue('claims', 1, key => this.#syncClaim(key))
    const volumeQueue = this.#context.startQueue('volumes', 1, key => this.#syncVolume(key))
    const addVolumeOf = ({ spec, metadata }: PersistentVolumeClaim): void => {
      for (const volume of volumes.list())
        if (volume.metadata?.name === spec?.volumeName || volume.spec?.claimRef?.uid === metadata?.uid)
          volumeQueue.add(objectKey(volume))
    }
    const addClaim = (claim: PersistentVolumeClaim): void => {
      claimQueue.add(objectKey(claim))
      addVolumeOf(claim)
    }
    claims.subscribe({ added: addClaim, updated: addClaim, deleted: addVolumeOf })
    /** Who waits may have it now. */
    const addWaiting = (): void => {
      for (const claim of claims.list()) if (claim.status?.phase !== 'Bound') claimQueue.add(objectKey(claim))
    }
    const addVolume = (volume: PersistentVolume): void => {
      volumeQueue.add(objectKey(volume))
      const { namespace, name } = volume.spec?.claimRef ?? {}
      if (name !== undefined) claimQueue.add(`${namespace}/${name}`)
      else if (volume.status?.phase === 'Available') addWaiting()
    }
    volumes.subscribe({
      added: addVolume,
      updated: addVolume,
      deleted: ({ spec }) => {
        if (spec?.claimRef?.name !== undefined) claimQueue.add(`${spec.claimRef.namespace}/${spec.claimRef.name}`)
      },
    })
    classes.subscribe({ added: addWaiting, updated: addWaiting })
  }

  async #syncClaim(key: string): Promise<void> {
    const { informers } = this.#context
    const claim = informers.of(persistentVolumeClaims).get(key)
    if (claim === undefined || (isDeleting(claim) && claim.status?.phase !== 'Bound')) return
    const plan = planClaim(
      claim,
      informers.of(persistentVolumes).list(),
      informers.of(storageClasses).get(classOf(claim)),
    )
    switch (plan.kind) {
      case 'bind':
        return this.#bind(plan.volume, claim)
      case 'pending':
        if (plan.event !== undefined) this.#recorder.event(claim, ...plan.event)
        return this.#claimStatus(claim, { ...claim.status, phase: 'Pending' })
      case 'lost':
        if (claim.status?.phase !== 'Lost') this.#recorder.event(claim, ...plan.event)
        return this.#claimStatus(claim, { ...claim.status, phase: 'Lost' })
      default:
        return unreachable(plan)
    }
  }

  /** The volume first: who dies in between finds its claim again by it, and no other claim gets it. */
  async #bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const { client, signal } = this.#context
    const bound = await this.#nameClaim(volume, claim)
    await this.#phase(bound, 'Bound')
    const { volumeName = '' } = claim.spec ?? {}
    const name = volume.metadata?.name ?? ''
    let latest = claim
    if (volumeName === '' || claim.metadata?.annotations?.[bindCompleted] === undefined) {
      const annotations = volumeName === '' ? [bindCompleted, boundByController] : [bindCompleted]
      const next = withAnnotations({ ...claim, spec: { ...claim.spec, volumeName: name } }, annotations)
      latest = await client.update(persistentVolumeClaims, next, { signal })
    }
    const { accessModes, capacity } = volume.spec ?? {}
    await this.#claimStatus(latest, {
      ...latest.status,
      phase: 'Bound',
      ...(accessModes === undefined ? {} : { accessModes }),
      ...(capacity === undefined ? {} : { capacity: { ...latest.status?.capacity, ...capacity } }),
    })
  }

  async #nameClaim(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<PersistentVolume> {
    const { client, signal } = this.#context
    const reference = volume.spec?.claimRef
    if (reference !== undefined && (reference.uid ?? '') !== '' && isBoundTo(volume, claim)) return volume
    const { name, namespace, uid, resourceVersion } = claim.metadata ?? {}
    const claimRef = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    }
    const next = { ...volume, spec: { ...volume.spec, claimRef } }
    const told = reference === undefined ? withAnnotations(next, [boundByController]) : next
    return client.update(persistentVolumes, told, { signal })
  }

  async #claimStatus(claim: PersistentVolumeClaim, status: PersistentVolumeClaim['status']): Promise<void> {
    if (status === undefined || isDeepStrictEqual(status, claim.status)) return
    const { client, signal } = this.#context
    await applyWrite(client, updateWrite(persistentVolumeClaims, { ...claim, status }, 'status'), signal)
  }

  async #phase(volume: PersistentVolume, phase: string, message?: string): Promise<void> {
    if (volume.status?.phase === phase && volume.status.message === message) return
    const { message: _, ...rest } = volume.status ?? {}
    const status = { ...rest, phase, ...(message === undefined ? {} : { message }) }
    const { client, signal } = this.#context
    await applyWrite(client, updateWrite(persistentVolumes, { ...volume, status }, 'status'), signal)
  }

  async #syncVolume(key: string): Promise<void> {
    const volume = this.#context.informers.of(persistentVolumes).get(key)
    if (volume === undefined) return
    const plan = planVolume(volume, await this.#claimOf(volume))
    switch (plan.kind) {
      case 'phase':
        return this.#phase(volume, plan.phase)
      case 'wait':
        return
      case 'unbind':
        return this.#unbind(volume)
      case 'released':
        return this.#release(volume)
      default:
        return unreachable(plan)
    }
  }

  /** Asked for afresh when the cache has none: a volume must not be given up for a claim that is merely not seen yet. */
  async #claimOf({ spec }: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    const { name, namespace = '', uid = '' } = spec?.claimRef ?? {}
    if (name === undefined || uid === '') return undefined
    const { informers, client, signal } = this.#context
    const known = informers.of(persistentVolumeClaims).get(`${namespace}/${name}`)
    if (known?.metadata?.uid === uid) return known
    try {
      return await client.get(persistentVolumeClaims, name, { namespace, signal })
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  async #unbind(volume: PersistentVolume): Promise<void> {
    const { claimRef: _, ...spec } = volume.spec ?? {}
    const { [boundByController]: __, ...annotations } = volume.metadata?.annotations ?? {}
    const next = { ...volume, metadata: { ...volume.metadata, annotations }, spec }
    const { client, signal } = this.#context
    const freed = await applyWrite(client, updateWrite(persistentVolumes, next), signal)
    if (freed !== undefined) await this.#phase(freed as PersistentVolume, 'Available')
  }

  async #release(volume: PersistentVolume): Promise<void> {
    if (volume.status?.phase !== 'Failed' && volume.status?.phase !== 'Released') return this.#phase(volume, 'Released')
    const told = reclaim(volume)
    if (told === undefined || volume.status.phase === 'Failed') return
    this.#recorder.event(volume, 'Warning', told.reason, told.message)
    await this.#phase(volume, 'Failed', told.message)
  }
}

/** Brings claims and the volumes that were made for them together; what makes volumes is nobody's here. */
export const startVolumeBinder: StartController = context => new BinderController(context).start()
