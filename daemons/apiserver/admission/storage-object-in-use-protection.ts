import { writes } from './forbid.ts'
import type { AdmissionPlugin, AdmissionRoute } from './plugin.ts'

const finalizerOf = (route: AdmissionRoute): string | undefined => {
  if (writes(route, '', 'persistentvolumes')) return 'kubernetes.io/pv-protection'
  if (writes(route, '', 'persistentvolumeclaims')) return 'kubernetes.io/pvc-protection'
  return undefined
}

/** Holds back the deletion of a volume or claim until a controller has seen that nobody uses it. */
export const storageObjectInUseProtectionPlugin: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: route => route.operation === 'create' && finalizerOf(route) !== undefined,
  admit: request => {
    const finalizer = finalizerOf(request)
    if (request.object === undefined || finalizer === undefined) return
    const meta = (request.object.metadata ??= {})
    if (!(meta.finalizers ?? []).includes(finalizer)) meta.finalizers = [...(meta.finalizers ?? []), finalizer]
  },
}
