import type { EngineContainer } from '../../../host/container-engine.ts'

export interface SandboxRecord extends EngineContainer {
  readonly attempt: number
}

export interface ContainerRecord extends EngineContainer {
  readonly containerName: string
  /** How often it was restarted before. */
  readonly attempt: number
  readonly hash: string
  /** The pause container it joined. */
  readonly sandboxId: string
}

/** What the engine has of one pod; both newest first. */
export interface PodRuntime {
  readonly sandboxes: readonly SandboxRecord[]
  readonly containers: ReadonlyMap<string, readonly ContainerRecord[]>
}

export const latest = (runtime: PodRuntime, name: string): ContainerRecord | undefined =>
  runtime.containers.get(name)?.[0]

export const allContainers = (runtime: PodRuntime): ContainerRecord[] => [...runtime.containers.values()].flat()

export const runningContainers = (runtime: PodRuntime): ContainerRecord[] =>
  allContainers(runtime).filter(c => c.state === 'running')
