import type { PersistentVolumeClaim } from 'kubernetes-types/core/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import { parseQuantity } from '../../../kube/quantity.ts'
import { draftOf } from '../kinds/draft.ts'
import type { Draft } from '../kinds/draft.ts'
import { forbid, writes } from './forbid.ts'
import type { AdmissionPlugin } from './plugin.ts'

type Claim = Draft<PersistentVolumeClaim>

const storageOf = (claim: Claim): bigint => parseQuantity(claim.spec?.resources?.requests?.['storage'] ?? '0').nano

const classOf = ({ metadata, spec }: Claim): string =>
  metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? ''

/** A claim grows only where its class can make it grow. */
export const persistentVolumeClaimResizePlugin: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  handles: route => writes(route, '', 'persistentvolumeclaims') && route.operation === 'update',
  validate: (request, reader) => {
    if (request.object === undefined || request.old === undefined) return
    const [claim, old] = [draftOf<Claim>(request.object), draftOf<Claim>(request.old)] as [Claim, Claim]
    if (storageOf(claim) <= storageOf(old)) return
    if (old.status?.phase !== 'Bound') throw forbid(request, 'Only bound persistent volume claims can be expanded')
    const name = classOf(claim)
    const row =
      name === '' || name !== classOf(old) ? undefined : reader.get('storage.k8s.io', 'storageclasses', '', name)
    if (row === undefined || draftOf<StorageClass>(row).allowVolumeExpansion !== true)
      throw forbid(
        request,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      )
  },
}
