import type { Clock } from '../../kube/clock.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import type { EventRecorder } from '../../kube/client/event-recorder.ts'
import type { WorkQueue } from '../../kube/client/work-queue.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Resource } from '../../kube/resource.ts'
import type { CustomResources } from './custom-resources.ts'
import type { ControllerManagerOptions } from './options.ts'
import type { SharedInformers } from './shared-informers.ts'

/** What a controller is given. It subscribes to informers, fills queues, and nothing of it outlives the signal. */
export interface ControllerContext {
  client: KubeClient
  informers: SharedInformers
  /** Every resource whose objects namespaces and owners hold. */
  resources: readonly Resource<KubeObject>[]
  /** The kinds that CustomResourceDefinitions bring, as they come and go. */
  customResources: CustomResources
  options: ControllerManagerOptions
  clock: Clock
  signal: AbortSignal
  recorder(component: string): EventRecorder
  /**
   * A queue of this name, worked on once all informers are synced. Work that throws comes back with a growing wait.
   * Its figures are served as workqueue_* metrics under the name.
   */
  startQueue(name: string, concurrency: number, work: (key: string) => Promise<void>): WorkQueue
  /** Runs once all informers are synced; a rejection ends the daemon. */
  runWhenSynced(name: string, run: () => Promise<void>): void
}

/** Subscribes to informers and starts queues; returns at once. */
export type StartController = (context: ControllerContext) => void

/** Times in API objects are whole seconds. */
export const timestamp = (nowMs: number): string => `${new Date(nowMs).toISOString().slice(0, 19)}Z`
