import type { KubeObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'

export interface GraphNode {
  resource: Resource<KubeObject>
  object: KubeObject
}

/** Every object by uid, and by the uids of its owners: what depends on what. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>()
  readonly #dependents = new Map<string, Set<string>>()

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  dependentsOf(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap(dependent => this.#nodes.get(dependent) ?? [])
  }

  hasDependents(uid: string): boolean {
    return (this.#dependents.get(uid)?.size ?? 0) > 0
  }

  /** Uids of the objects of a resource. */
  uidsOf(resource: Resource<KubeObject>): string[] {
    return [...this.#nodes].flatMap(([uid, node]) => (node.resource === resource ? [uid] : []))
  }

  /** Uids of the objects that have an owner of this kind. */
  ownedBy(kind: string, group: string): string[] {
    return [...this.#nodes].flatMap(([uid, { object }]) =>
      object.metadata?.ownerReferences?.some(owner => owner.kind === kind && owner.apiVersion.startsWith(`${group}/`))
        ? [uid]
        : [],
    )
  }

  put(resource: Resource<KubeObject>, object: KubeObject): void {
    const uid = object.metadata?.uid ?? ''
    this.#unlink(uid)
    this.#nodes.set(uid, { resource, object })
    for (const owner of object.metadata?.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set<string>()
      dependents.add(uid)
      this.#dependents.set(owner.uid, dependents)
    }
  }

  remove(uid: string): void {
    this.#unlink(uid)
    this.#nodes.delete(uid)
  }

  #unlink(uid: string): void {
    for (const owner of this.#nodes.get(uid)?.object.metadata?.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid)
      dependents?.delete(uid)
      if (dependents?.size === 0) this.#dependents.delete(owner.uid)
    }
  }
}
