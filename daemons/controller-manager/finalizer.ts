import type { KubeObject } from '../../kube/object.ts'
import type { Resource } from '../../kube/resource.ts'
import { hasReason } from '../../kube/status.ts'
import type { ControllerContext } from './controller-context.ts'

/** Takes one finalizer off, and nothing else; an object that is gone needs no more. */
export const removeFinalizer = async <T extends KubeObject>(
  { client, signal }: Pick<ControllerContext, 'client' | 'signal'>,
  resource: Resource<T>,
  { object, finalizer }: { object: T; finalizer: string },
): Promise<void> => {
  const { name = '', namespace = '', uid = '', finalizers = [] } = object.metadata ?? {}
  const at = finalizers.indexOf(finalizer)
  if (at === -1) return
  // Tested first: others change the list too, and another object may have taken the name.
  const patch = [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: `/metadata/finalizers/${at}`, value: finalizer },
    { op: 'remove', path: `/metadata/finalizers/${at}` },
  ]
  try {
    await client.patch(resource, name, patch, { namespace, type: 'json', signal })
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error
  }
}
