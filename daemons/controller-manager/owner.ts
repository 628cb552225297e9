import type { KubeObject, OwnerReference } from '../../kube/object.ts'
import { apiVersionOf, type Resource } from '../../kube/resource.ts'

/** The one owner that manages the object. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata?.ownerReferences?.find(owner => owner.controller === true)

export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean =>
  owner.metadata?.uid !== undefined && controllerOf(object)?.uid === owner.metadata.uid

/** The reference by which an owner manages what it makes; it also holds back the owner's foreground deletion. */
export const controllerReference = (owner: KubeObject, resource: Resource<unknown>): OwnerReference => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  name: owner.metadata?.name ?? '',
  uid: owner.metadata?.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

export const isDeleting = (object: KubeObject): boolean => object.metadata?.deletionTimestamp !== undefined
