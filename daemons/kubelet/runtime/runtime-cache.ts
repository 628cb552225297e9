import { isDeepStrictEqual } from 'node:util'
import type { ContainerEngine, EngineContainer } from '../../../host/container-engine.ts'
import { labels, podRuntimeOf } from '../sync/container-labels.ts'
import type { PodRuntime } from '../sync/pod-runtime.ts'

/**
 * What the engine has of each pod, in memory. Events and our own calls mark single containers as changed; only those
 * are inspected again when the pod is looked at next. The relist finds what events did not tell.
 */
export class RuntimeCache {
  readonly #engine: ContainerEngine
  readonly #nodeName: string
  readonly #pods = new Map<string, Map<string, EngineContainer>>()
  readonly #dirty = new Map<string, Set<string>>()
  constructor(engine: ContainerEngine, nodeName: string) {
    this.#engine = engine
    this.#nodeName = nodeName
  }

  markDirty(uid: string, containerId: string): void {
    const ids = this.#dirty.get(uid)
    if (ids === undefined) this.#dirty.set(uid, new Set([containerId]))
    else ids.add(containerId)
  }

  /** The pod's state with everything that was marked looked at again. Throws UNAVAILABLE when the engine is away. */
  async refresh(uid: string, signal?: AbortSignal): Promise<PodRuntime> {
    const ids = [...(this.#dirty.get(uid) ?? [])]
    this.#dirty.delete(uid)
    const known = this.#pods.get(uid) ?? new Map<string, EngineContainer>()
    this.#pods.set(uid, known)
    await Promise.all(
      ids.map(async id => {
        try {
          const found = await this.#engine.inspect(id, signal)
          if (found === undefined) known.delete(id)
          else known.set(id, found)
        } catch (error) {
          this.markDirty(uid, id)
          throw error
        }
      }),
    )
    return this.peek(uid)
  }

  /** As it was known last, without asking. */
  peek(uid: string): PodRuntime {
    return podRuntimeOf([...(this.#pods.get(uid)?.values() ?? [])])
  }

  /** Asks for everything of one pod: before it is ended, so that nothing made in an interrupted call stays. */
  async relistPod(uid: string): Promise<PodRuntime> {
    const found = await this.#engine.list({ [labels.podUid]: uid, [labels.node]: this.#nodeName })
    this.#pods.set(uid, new Map(found.map(container => [container.id, container])))
    this.#dirty.delete(uid)
    return this.peek(uid)
  }

  /** Lists all of this node's containers and marks what differs; resolves with the pods concerned. */
  async relist(signal?: AbortSignal): Promise<Set<string>> {
    const found = await this.#engine.list({ [labels.node]: this.#nodeName }, signal)
    const changed = new Set<string>()
    const seen = new Set<string>()
    for (const container of found) {
      const uid = container.labels[labels.podUid]
      if (uid === undefined) continue
      seen.add(container.id)
      const known = this.#pods.get(uid)
      if (isDeepStrictEqual(known?.get(container.id), container)) continue
      // Marked, not taken over: the list may be older than a change that was seen since.
      this.markDirty(uid, container.id)
      changed.add(uid)
    }
    for (const [uid, known] of this.#pods)
      for (const id of known.keys())
        if (!seen.has(id)) {
          this.markDirty(uid, id)
          changed.add(uid)
        }
    return changed
  }

  uids(): string[] {
    return [...new Set([...this.#pods.keys(), ...this.#dirty.keys()])]
  }

  forget(uid: string): void {
    this.#pods.delete(uid)
    this.#dirty.delete(uid)
  }
}
