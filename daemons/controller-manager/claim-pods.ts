import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubeObject } from '../../kube/object.ts'
import type { Resource } from '../../kube/resource.ts'
import { pods } from '../../kube/resources.ts'
import { adoptPatch, claim, releasePatch } from './claim.ts'
import type { ControllerContext } from './controller-context.ts'
import { controllerReference, isDeleting } from './owner.ts'
import { applyWrite, patchWrite } from './write.ts'

export interface PodClaim<T> {
  resource: Resource<T>
  selected(pod: Pod): boolean
  /** Which of the namespace's pods come into question at all; without it all do. */
  considered?(pod: Pod): boolean
  /** Merge patches, where taking a pod in or letting it go changes more than who controls it. */
  adopt?(pod: Pod): unknown
  release?(pod: Pod): unknown
}

/** The pods of an owner, after it has taken in those that it selects and let go those that it does not select any more. */
export const claimPods = async <T extends KubeObject>(
  { informers, client, signal }: Pick<ControllerContext, 'informers' | 'client' | 'signal'>,
  owner: KubeObject,
  { resource, selected, considered = () => true, ...patches }: PodClaim<T>,
): Promise<Pod[]> => {
  const { name = '', namespace = '', uid = '' } = owner.metadata ?? {}
  const inNamespace = informers.of(pods).byIndex('namespace', namespace)
  const { owned, adopt, release } = claim(
    owner,
    inNamespace.filter(pod => considered(pod)),
    selected,
  )
  const { adopt: adopting = (pod: Pod) => adoptPatch(pod, controllerReference(owner, resource)) } = patches
  const { release: releasing = (pod: Pod) => releasePatch(pod, [uid]) } = patches
  for (const pod of release) await applyWrite(client, patchWrite(pods, pod, releasing(pod)), signal)
  if (adopt.length === 0) return owned
  // Asked afresh: an owner that is gone or on its way out must not take in pods, whatever the cache says.
  const live = await client.get(resource, name, { namespace })
  if (live.metadata?.uid !== owner.metadata?.uid || isDeleting(live)) return owned
  for (const pod of adopt)
    if ((await applyWrite(client, patchWrite(pods, pod, adopting(pod)), signal)) !== undefined) owned.push(pod)
  return owned
}
