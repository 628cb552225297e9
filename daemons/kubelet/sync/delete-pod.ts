import type { KubeClient } from '../../../kube/client/client.ts'
import { pods } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { LocalPod } from './local-pod.ts'

/** Takes a pod that has ended out of the API, unless it is gone already or another pod has its name. */
export const deletePod = async (client: KubeClient, { name, namespace, uid }: LocalPod): Promise<void> => {
  try {
    await client.delete(pods, name, { namespace, gracePeriodSeconds: 0, preconditions: { uid } })
  } catch (error) {
    if (!hasReason(error, 'NotFound', 'Conflict')) throw error
  }
}
