import type { DeleteOptions, KubeClient } from '../../kube/client/client.ts'
import { unreachable } from '../../kube/errors.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Resource } from '../../kube/resource.ts'
import { hasReason } from '../../kube/status.ts'

/** One write to the API, as data: what the controllers' decisions give. */
export type Write =
  | { kind: 'create'; resource: Resource<KubeObject>; object: KubeObject }
  | { kind: 'update'; resource: Resource<KubeObject>; object: KubeObject; subresource?: string }
  | {
      kind: 'patch'
      resource: Resource<KubeObject>
      namespace: string
      name: string
      patch: unknown
      subresource?: string
    }
  | { kind: 'delete'; resource: Resource<KubeObject>; namespace: string; name: string; options: DeleteOptions }

/** A resource of a known type, as writes carry it: the object beside it has been checked against that type. */
const erase = <T extends KubeObject>(resource: Resource<T>): Resource<KubeObject> =>
  resource as Resource<unknown> as Resource<KubeObject>

export const createWrite = <T extends KubeObject>(resource: Resource<T>, object: T): Write => ({
  kind: 'create',
  resource: erase(resource),
  object,
})

/** Replaces the object if it still is the version that the decision was made on. */
export const updateWrite = <T extends KubeObject>(resource: Resource<T>, object: T, subresource?: string): Write => ({
  kind: 'update',
  resource: erase(resource),
  object,
  ...(subresource === undefined ? {} : { subresource }),
})

/** A merge patch (RFC 7386) of `of`. */
export const patchWrite = <T extends KubeObject>(
  resource: Resource<T>,
  of: T,
  patch: unknown,
  subresource?: string,
): Write => ({
  kind: 'patch',
  resource: erase(resource),
  namespace: of.metadata?.namespace ?? '',
  name: of.metadata?.name ?? '',
  patch,
  ...(subresource === undefined ? {} : { subresource }),
})

/** Deletes this very object, not another that has taken its name meanwhile. */
export const deleteWrite = <T extends KubeObject>(
  resource: Resource<T>,
  of: T,
  options: DeleteOptions = {},
): Write => ({
  kind: 'delete',
  resource: erase(resource),
  namespace: of.metadata?.namespace ?? '',
  name: of.metadata?.name ?? '',
  options: {
    preconditions: of.metadata?.uid === undefined ? {} : { uid: of.metadata.uid },
    ...options,
  },
})

const scope = (namespace: string | undefined) => (namespace === undefined || namespace === '' ? {} : { namespace })

/** Carries a write out. What is to be deleted or patched and is gone already is no failure: undefined. */
export const applyWrite = async (
  client: KubeClient,
  write: Write,
  signal?: AbortSignal,
): Promise<KubeObject | undefined> => {
  const abort = signal === undefined ? {} : { signal }
  try {
    switch (write.kind) {
      case 'create':
        return await client.create(write.resource, write.object, abort)
      case 'update':
        return await client.update(write.resource, write.object, {
          ...abort,
          ...(write.subresource === undefined ? {} : { subresource: write.subresource }),
        })
      case 'patch':
        return await client.patch(write.resource, write.name, write.patch, {
          ...abort,
          ...scope(write.namespace),
          type: 'merge',
          ...(write.subresource === undefined ? {} : { subresource: write.subresource }),
        })
      case 'delete':
        await client.delete(write.resource, write.name, { ...abort, ...scope(write.namespace), ...write.options })
        return undefined
      default:
        return unreachable(write)
    }
  } catch (error) {
    if ((write.kind === 'delete' || write.kind === 'patch') && hasReason(error, 'NotFound')) return undefined
    throw error
  }
}
