import type { Namespace, Node, Pod } from 'kubernetes-types/core/v1.js'
import { objectKey } from '../../../kube/object.ts'
import { NodeInfo } from './node-info.ts'
import type { ClusterView } from './plugin.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'

/**
 * Nodes and the pods on them, as the API has them, plus the pods this scheduler has just decided about: those count
 * from the decision on, before the API confirms the binding.
 */
export class Cluster implements ClusterView {
  readonly #nodes = new Map<string, NodeInfo>()
  /** Where each pod is counted, by key. */
  readonly #placed = new Map<string, NodeInfo>()
  readonly #assumed = new Set<string>()
  readonly #namespaces: (name: string) => Namespace | undefined
  #list: readonly NodeInfo[] | undefined
  constructor(namespaces: (name: string) => Namespace | undefined = () => undefined) {
    this.#namespaces = namespaces
  }

  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()].filter(info => info.node !== undefined)
    return this.#list
  }

  namespaceLabels(name: string): Readonly<Record<string, string>> {
    return this.#namespaces(name)?.metadata?.labels ?? {}
  }

  setNode(node: Node): void {
    this.#list = undefined
    this.#at(node.metadata?.name ?? '').node = node
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name)
    if (info === undefined) return
    this.#list = undefined
    info.node = undefined
    if (info.pods.size === 0) this.#nodes.delete(name)
  }

  /** A pod that the API says is bound; replaces the assumption about it. */
  setPod(pod: Pod): void {
    const info = podInfoOf(pod)
    this.#assumed.delete(info.key)
    this.#put(info, pod.spec?.nodeName ?? '')
  }

  removePod(pod: Pod): void {
    const key = objectKey(pod)
    this.#assumed.delete(key)
    this.#take(key)
  }

  /** Counts a pod on a node before it is bound there. */
  assume(info: PodInfo, nodeName: string): void {
    this.#assumed.add(info.key)
    this.#put(info, nodeName)
  }

  isAssumed(key: string): boolean {
    return this.#assumed.has(key)
  }

  /** Takes an assumption back; does nothing once the API has confirmed it. */
  forget(key: string): void {
    if (this.#assumed.delete(key)) this.#take(key)
  }

  #put(info: PodInfo, nodeName: string): void {
    this.#take(info.key)
    const node = this.#at(nodeName)
    node.add(info)
    this.#placed.set(info.key, node)
  }

  #take(key: string): void {
    const node = this.#placed.get(key)
    if (node === undefined) return
    node.remove(key)
    this.#placed.delete(key)
    if (node.node === undefined && node.pods.size === 0) this.#nodes.delete(node.name)
  }

  #at(name: string): NodeInfo {
    let info = this.#nodes.get(name)
    if (info === undefined) {
      info = new NodeInfo(name)
      this.#nodes.set(name, info)
      this.#list = undefined
    }
    return info
  }
}
