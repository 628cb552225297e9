import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { EngineContainer } from '../../host/container-engine.ts'
import { Informer } from '../../kube/client/informer.ts'
import { messageOf } from '../../kube/errors.ts'
import { pods } from '../../kube/resources.ts'
import type { ObjectSource } from './config/object-source.ts'
import type { ContainerView, KubeletView } from './kubelet-view.ts'
import { PodWorker } from './pod-worker.ts'
import type { KubeletContext } from './runtime/kubelet-context.ts'
import { labels } from './sync/container-labels.ts'
import { localPod, type LocalPod } from './sync/local-pod.ts'
import { mountedReferences } from './volumes/payload.ts'
import type { PodTokens } from './volumes/pod-tokens.ts'

const relistMs = 60_000
const reconnectMs = 1_000

/**
 * The pods of this node, each with its worker, and what moves them: the API, the engine's events, a slow relist, probe
 * results. What the API does not know any more is taken away.
 */
export class Kubelet implements KubeletView {
  readonly nodeName: string
  readonly #context: KubeletContext
  readonly #objects: ObjectSource
  readonly #tokens: PodTokens
  readonly #informer: Informer<Pod>
  readonly #workers = new Map<string, PodWorker>()
  /** Pods that were ended here while the API still has them (finalizers). */
  readonly #finished = new Set<string>()
  readonly #orphans = new Map<string, Promise<void>>()
  #listed = false
  #engineUp = false
  #podsKnown = false

  constructor(context: KubeletContext, { objects, tokens }: { objects: ObjectSource; tokens: PodTokens }) {
    this.#context = context
    this.#objects = objects
    this.#tokens = tokens
    this.nodeName = context.node.nodeName
    this.#informer = new Informer(context.client, pods, {
      signal: context.signal,
      clock: context.clock,
      fieldSelector: `spec.nodeName=${this.nodeName}`,
      onError: error => context.log.warn({ err: error, node: this.nodeName }, 'pods are not being watched'),
    })
  }

  /** Runs until the signal aborts; pods keep running after it. */
  async run(): Promise<void> {
    // The engine first: a pod must not be started twice because its containers were not seen yet.
    const events = this.#follow()
    await this.#firstList()
    // Service variables of a pod that starts must be whole.
    await this.#context.servicesSynced
    this.#informer.subscribe({
      added: pod => this.#applied(pod),
      updated: pod => this.#applied(pod),
      deleted: pod => this.#deleted(pod),
    })
    this.#informer.start()
    this.#informer.synced.then(
      () => {
        this.#podsKnown = true
        this.#sweep()
      },
      () => {},
    )
    await Promise.all([events, this.#relistForever()])
  }

  /** A probe's result changed: the pod's status, or what must run, may have too. */
  probed(uid: string): void {
    this.#workers.get(uid)?.poke()
  }

  podOf(uid: string): LocalPod | undefined {
    return this.#workers.get(uid)?.pod
  }

  /** The pod network changed, or is there for the first time. */
  networkChanged(): void {
    for (const worker of this.#workers.values()) worker.retry()
  }

  pods(): readonly Pod[] {
    return [...this.#workers.values()].map(worker => worker.pod.object)
  }

  container(namespace: string, pod: string, uid: string | undefined, name: string): ContainerView | undefined {
    return this.#view(namespace, pod, uid, name, 0)
  }

  previousContainer(namespace: string, pod: string, uid: string | undefined, name: string): ContainerView | undefined {
    return this.#view(namespace, pod, uid, name, 1)
  }

  sandboxId(namespace: string, pod: string): string | undefined {
    const found = this.#named(namespace, pod)
    if (found === undefined) return undefined
    return this.#context.cache.peek(found.uid).sandboxes.find(sandbox => sandbox.state === 'running')?.id
  }

  ready(): boolean {
    return this.#engineUp && this.#listed
  }

  #named(namespace: string, name: string): LocalPod | undefined {
    // Two of one name exist while the first one ends: the newest is meant.
    return [...this.#workers.values()].map(w => w.pod).findLast(p => p.namespace === namespace && p.name === name)
  }

  #view(
    namespace: string,
    pod: string,
    uid: string | undefined,
    name: string,
    index: number,
  ): ContainerView | undefined {
    const found = this.#named(namespace, pod)
    if (found === undefined || (uid !== undefined && found.uid !== uid)) return undefined
    const records = (this.#context.cache.peek(found.uid).containers.get(name) ?? []).filter(r => r.state !== 'created')
    const record = records[index]
    const spec = [...found.spec.containers, ...(found.spec.initContainers ?? [])].find(c => c.name === name)
    if (record === undefined) return undefined
    return {
      id: record.id,
      running: record.state === 'running',
      tty: spec?.tty ?? false,
      stdin: spec?.stdin ?? false,
    }
  }

  #applied(object: Pod): void {
    const pod = localPod(object)
    if (this.#finished.has(pod.uid)) return
    const known = this.#workers.get(pod.uid)
    const changed = () => this.#workers.get(pod.uid)?.configChanged()
    this.#objects.follow(pod.uid, pod.namespace, mountedReferences(pod), changed)
    this.#tokens.follow(pod.uid, changed)
    if (known !== undefined) {
      const told = JSON.stringify([known.pod.object.metadata?.labels, known.pod.object.metadata?.annotations])
      known.update(pod)
      const now = JSON.stringify([object.metadata?.labels, object.metadata?.annotations])
      // Files of the downward API show labels and annotations.
      if (told !== now && JSON.stringify(pod.spec.volumes ?? []).includes('downwardAPI')) known.configChanged()
      return
    }
    const worker = new PodWorker(this.#context, pod, uid => this.#ended(uid))
    this.#workers.set(pod.uid, worker)
    worker.poke()
  }

  #deleted(object: Pod): void {
    const { uid } = object.metadata ?? {}
    if (uid === undefined) return
    this.#finished.delete(uid)
    this.#workers.get(uid)?.deleted()
  }

  #ended(uid: string): void {
    const pod = this.#workers.get(uid)?.pod
    this.#workers.delete(uid)
    this.#objects.follow(uid, pod?.namespace ?? '', new Set(), () => {})
    this.#tokens.forget(uid)
    const known = pod === undefined ? undefined : this.#informer.get(`${pod.namespace}/${pod.name}`)
    if (known?.metadata?.uid === uid) this.#finished.add(uid)
  }

  /** The engine's events, again and again: each break is followed by a relist, which finds what was missed. */
  async #follow(): Promise<void> {
    const { engine, signal, clock, cache, log } = this.#context
    while (!signal.aborted) {
      try {
        for await (const event of engine.events(`${labels.node}=${this.nodeName}`, signal)) {
          const uid = event.labels[labels.podUid]
          // An orphan's events are of no use: the relist looks after it.
          if (uid === undefined || !this.#workers.has(uid)) continue
          cache.markDirty(uid, event.containerId)
          this.#workers.get(uid)?.poke()
        }
      } catch (error) {
        if (signal.aborted) return
        this.#engineUp = false
        log.warn({ err: error, node: this.nodeName }, 'the engine does not tell its events, trying again')
      }
      await clock.sleep(reconnectMs, signal).catch(() => {})
      if (!signal.aborted) void this.#relist().catch(() => {})
    }
  }

  async #firstList(): Promise<void> {
    const { clock, signal, log } = this.#context
    for (;;) {
      try {
        await this.#relist()
        return
      } catch (error) {
        signal.throwIfAborted()
        log.warn({ err: error, node: this.nodeName }, 'the engine does not answer, trying again')
        await clock.sleep(reconnectMs, signal)
      }
    }
  }

  async #relistForever(): Promise<void> {
    const { clock, signal, log } = this.#context
    while (!signal.aborted) {
      await clock.sleep(this.#listed ? relistMs : reconnectMs, signal).catch(() => {})
      if (signal.aborted) return
      await this.#relist().catch((error: unknown) => {
        this.#engineUp = false
        log.warn({ err: error, node: this.nodeName }, 'containers cannot be listed')
      })
      this.#sweep()
    }
  }

  async #relist(): Promise<void> {
    const changed = await this.#context.cache.relist(this.#context.signal)
    this.#engineUp = true
    this.#listed = true
    for (const uid of changed) this.#workers.get(uid)?.poke()
  }

  /** Takes away what belongs to pods that the API does not have (any more), once both sides have been listed. */
  #sweep(): void {
    const { cache, cni, log } = this.#context
    // While the API is away nothing is an orphan.
    if (!this.#podsKnown || !this.#listed) return
    const known = (uid: string) =>
      this.#workers.has(uid) || this.#informer.list().some(pod => pod.metadata?.uid === uid)
    const start = (uid: string, work: () => Promise<void>) => {
      if (known(uid) || this.#orphans.has(uid)) return
      const working = work()
        .catch((error: unknown) => log.warn({ err: error, pod: uid }, 'an orphaned pod could not be taken away'))
        .finally(() => this.#orphans.delete(uid))
      this.#orphans.set(uid, working)
    }
    for (const uid of cache.uids()) start(uid, () => this.#removeOrphan(uid))
    this.#podDirectories().then(
      uids => uids.forEach(uid => start(uid, () => this.#context.volumes.unmount(uid))),
      () => {},
    )
    const live = new Set(cache.uids().flatMap(uid => cache.peek(uid).sandboxes.map(sandbox => sandbox.id)))
    for (const left of cni.stale(live)) {
      if (known(left.pod.uid)) continue
      cni
        .del(this.#context.network(), left)
        .catch((error: unknown) => log.warn({ err: error, pod: left.pod.uid }, `detach: ${messageOf(error)}`))
    }
  }

  async #podDirectories(): Promise<string[]> {
    return readdir(join(this.#context.node.rootDir, 'pods'))
  }

  async #removeOrphan(uid: string): Promise<void> {
    const { cache, engine, volumes, cni, log } = this.#context
    const runtime = await cache.relistPod(uid)
    const containers = [...runtime.containers.values()].flat()
    log.info({ pod: uid, containers: containers.length }, 'taking away a pod that the API does not have')
    await Promise.all(
      containers
        .filter(c => c.state === 'running')
        .map(c => engine.stop(c.id, Number(c.labels[labels.gracePeriod] ?? 30))),
    )
    for (const sandbox of runtime.sandboxes) {
      await cni.del(this.#context.network(), {
        containerId: sandbox.id,
        netns: sandbox.pid === 0 ? '' : `/proc/${sandbox.pid}/ns/net`,
        pod: podOfLabels(sandbox, uid),
        portMappings: [],
      })
      await engine.remove(sandbox.id)
    }
    for (const container of containers) await engine.remove(container.id)
    await volumes.unmount(uid)
    cache.forget(uid)
  }
}

const podOfLabels = (container: EngineContainer, uid: string) => ({
  name: container.labels[labels.podName] ?? '',
  namespace: container.labels[labels.podNamespace] ?? '',
  uid,
})
