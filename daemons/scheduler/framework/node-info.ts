import type { Node, Taint } from 'kubernetes-types/core/v1.js'
import { hasTerms } from './affinity-terms.ts'
import { resourcesOf, type PodInfo, type Resources } from './pod-info.ts'

/** A node with the pods that are on it or on their way to it, and what they take together. */
export class NodeInfo {
  readonly name: string
  readonly pods = new Map<string, PodInfo>()
  /** Those of `pods` that carry pod (anti-)affinity terms. */
  readonly withAffinity = new Set<PodInfo>()
  readonly requested: Resources = {}
  readonly scored = { cpu: 0, memory: 0 }
  allocatable: Resources = {}
  #node: Node | undefined
  constructor(name: string) {
    this.name = name
  }

  /** Undefined for a name that pods are bound to while no such Node exists. */
  get node(): Node | undefined {
    return this.#node
  }
  set node(node: Node | undefined) {
    this.#node = node
    this.allocatable = resourcesOf(node?.status?.allocatable ?? node?.status?.capacity)
  }
  get labels(): Readonly<Record<string, string>> {
    return this.#node?.metadata?.labels ?? {}
  }
  get taints(): readonly Taint[] {
    return this.#node?.spec?.taints ?? []
  }

  add(pod: PodInfo): void {
    this.remove(pod.key)
    this.pods.set(pod.key, pod)
    if (hasTerms(pod.affinity)) this.withAffinity.add(pod)
    this.#count(pod, 1)
  }

  remove(key: string): void {
    const pod = this.pods.get(key)
    if (pod === undefined) return
    this.pods.delete(key)
    this.withAffinity.delete(pod)
    this.#count(pod, -1)
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    for (const [name, amount] of Object.entries(pod.requests))
      this.requested[name] = (this.requested[name] ?? 0) + sign * amount
    this.scored.cpu += sign * pod.scored.cpu
    this.scored.memory += sign * pod.scored.memory
  }
}
