import type { PersistentVolumeClaim } from 'kubernetes-types/core/v1.js'
import { draftOf } from '../kinds/draft.ts'
import { writes } from './forbid.ts'
import type { AdmissionPlugin } from './plugin.ts'

const group = 'storage.k8s.io'
const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
]
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** Gives a claim that names no class the default one: of several, the newest, then the first by name. */
export const defaultStorageClassPlugin: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  handles: route => writes(route, '', 'persistentvolumeclaims') && route.operation === 'create',
  admit: (request, reader) => {
    if (request.object === undefined) return
    const claim = draftOf<PersistentVolumeClaim>(request.object)
    // An empty name is a choice: no class.
    if (claim.spec?.storageClassName !== undefined || claim.metadata?.annotations?.[classAnnotation] !== undefined)
      return
    const [chosen] = reader
      .list(group, 'storageclasses')
      .filter(({ metadata }) => defaultAnnotations.some(key => metadata?.annotations?.[key] === 'true'))
      .map(({ metadata }) => ({ name: metadata?.name ?? '', created: metadata?.creationTimestamp ?? '' }))
      .sort((a, b) => (a.created === b.created ? (a.name < b.name ? -1 : 1) : a.created > b.created ? -1 : 1))
    if (chosen !== undefined) (claim.spec ??= {}).storageClassName = chosen.name
  },
}
