import type { Pod } from 'kubernetes-types/core/v1.js'
import type { FilterPlugin } from '../framework/plugin.ts'

/** What a pod may ask for and this scheduler cannot weigh; each row says so by name instead of placing the pod blindly. */
const ROWS: readonly { asks(pod: Pod): boolean; message: string }[] = [
  {
    asks: pod => (pod.spec?.volumes ?? []).some(volume => volume.persistentVolumeClaim !== undefined),
    message: 'node(s) cannot be chosen: persistentVolumeClaim volumes are not implemented',
  },
  {
    asks: pod => (pod.spec?.volumes ?? []).some(volume => volume.ephemeral !== undefined),
    message: 'node(s) cannot be chosen: ephemeral (generic) volumes are not implemented',
  },
  {
    asks: pod => (pod.spec?.resourceClaims ?? []).length > 0,
    message: 'node(s) cannot be chosen: resourceClaims are not implemented',
  },
]

/** Stands where upstream has VolumeBinding and DynamicResources. */
export const notBuilt: FilterPlugin = {
  name: 'NotBuilt',
  movedBy: [],
  filter: ({ pod }) => {
    const reasons = ROWS.filter(row => row.asks(pod)).map(row => row.message)
    return reasons.length === 0 ? undefined : () => reasons
  },
}
