import type { KubeClient } from '../../../kube/client/client.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { equalJson } from '../../../kube/patch/json-value.ts'
import { hasReason } from '../../../kube/status.ts'
import { apiPriority, customPriority } from '../kinds/api-priorities.ts'
import type { Kind } from '../kinds/kind.ts'
import { apiServices, automanagedLabel } from './api-service.ts'

/** A step towards APIServices that tell what this server serves. */
export type RegistrationStep =
  | { kind: 'create'; object: UnknownObject }
  | { kind: 'update'; object: UnknownObject }
  | { kind: 'delete'; name: string }

const wantedOf = ({ group, version, custom }: Kind): UnknownObject | undefined => {
  const priority = custom === undefined ? apiPriority(group, version) : customPriority
  if (priority === undefined) return undefined
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: {
      name: `${version}.${group}`,
      labels: { [automanagedLabel]: custom === undefined ? 'onstart' : 'true' },
    },
    spec: { group, version, groupPriorityMinimum: priority.group, versionPriority: priority.version },
  }
}

/**
 * What to do so that each group version that is served here has its APIService. One without the label is somebody's
 * own, and is left alone: so may a group be handed to another server.
 */
export const planRegistration = (kinds: Iterable<Kind>, stored: readonly UnknownObject[]): RegistrationStep[] => {
  const wanted = new Map<string, UnknownObject>()
  for (const kind of kinds) {
    const object = wantedOf(kind)
    const name = object?.metadata?.name
    if (object !== undefined && name !== undefined && !wanted.has(name)) wanted.set(name, object)
  }
  const steps: RegistrationStep[] = []
  for (const live of stored) {
    const name = live.metadata?.name ?? ''
    const managed = live.metadata?.labels?.[automanagedLabel]
    const object = wanted.get(name)
    wanted.delete(name)
    if (managed !== 'true' && managed !== 'onstart') continue
    if (object === undefined) steps.push({ kind: 'delete', name })
    else if (!equalJson(live['spec'], object['spec']))
      steps.push({ kind: 'update', object: { ...live, spec: object['spec'] } })
  }
  return [...steps, ...[...wanted.values()].map(object => ({ kind: 'create', object }) as const)]
}

const apply = async (client: KubeClient, step: RegistrationStep): Promise<void> => {
  try {
    switch (step.kind) {
      case 'create':
        await client.create(apiServices, step.object)
        return
      case 'update':
        await client.update(apiServices, step.object)
        return
      case 'delete':
        await client.delete(apiServices, step.name)
        return
    }
  } catch (error) {
    // Somebody else was faster; what they wrote is looked at in its turn.
    if (!hasReason(error, 'AlreadyExists', 'Conflict', 'NotFound')) throw error
  }
}

/** All at once: together they cost one commit. */
export const registerLocal = async (client: KubeClient, steps: readonly RegistrationStep[]): Promise<void> => {
  await Promise.all(steps.map(step => apply(client, step)))
}
