import type { Duplex, Readable, Writable } from 'node:stream'

/** A mount into a container, from the host. */
export interface EngineMount {
  source: string
  target: string
  readOnly: boolean
  propagation?: 'rprivate' | 'rslave' | 'rshared'
}

export interface EngineResources {
  /** Relative CPU weight; undefined: the engine's default. */
  cpuShares?: number
  /** Microseconds of CPU per 100 ms period. */
  cpuQuotaUs?: number
  memoryBytes?: number
  /** -1000..1000; leave undefined where the host refuses negative values. */
  oomScoreAdj?: number
}

/** Everything an engine needs to make a container. */
export interface ContainerSpec {
  name: string
  image: string
  /** Undefined keeps the image's. */
  entrypoint?: readonly string[]
  args?: readonly string[]
  env: readonly { name: string; value: string }[]
  workingDir?: string
  /** `uid[:gid]` */
  user?: string
  supplementalGroups?: readonly number[]
  labels: Readonly<Record<string, string>>
  mounts: readonly EngineMount[]
  hostname?: string
  tty: boolean
  stdin: boolean
  stdinOnce: boolean
  privileged: boolean
  readOnlyRoot: boolean
  noNewPrivileges: boolean
  addCapabilities: readonly string[]
  dropCapabilities: readonly string[]
  /** Docker security options: `seccomp=unconfined`, `apparmor=…` */
  securityOptions: readonly string[]
  /** Namespaces: 'none' makes a new, unconnected network namespace (a sandbox); `container:ID` joins a sandbox's; 'host' is the node's. */
  network: 'none' | 'host' | `container:${string}`
  ipc: 'shareable' | 'private' | 'host' | `container:${string}`
  pid: 'private' | 'host' | `container:${string}`
  sysctls: Readonly<Record<string, string>>
  resources: EngineResources
  stopSignal?: string
  tmpfs: Readonly<Record<string, string>>
  /** Cgroup under which the container's own is made; undefined or '': the engine's default. */
  cgroupParent?: string
}

export interface EngineContainer {
  id: string
  name: string
  image: string
  /** `sha256:…` or a repo digest. */
  imageId: string
  labels: Readonly<Record<string, string>>
  state: 'created' | 'running' | 'exited'
  pid: number
  exitCode: number
  oomKilled: boolean
  /** The engine's own message when it could not start the container. */
  error: string
  createdAtMs: number
  startedAtMs: number
  finishedAtMs: number
}

export interface EngineEvent {
  kind: 'started' | 'died' | 'removed' | 'oom'
  containerId: string
  labels: Readonly<Record<string, string>>
}

/** Containers of one engine. Failures are SkiffError: NOT_FOUND, CONFLICT, UNAVAILABLE (no answer), INVALID_INPUT, COMMAND_FAILED (could not start). */
export interface ContainerEngine {
  create(spec: ContainerSpec, signal?: AbortSignal): Promise<string>
  start(id: string, signal?: AbortSignal): Promise<void>
  /** Sends the stop signal, waits up to `graceSeconds`, then kills. */
  stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>
  /** Removes it, running or not; no error when it is gone. */
  remove(id: string, signal?: AbortSignal): Promise<void>
  inspect(id: string, signal?: AbortSignal): Promise<EngineContainer | undefined>
  /** Those that carry all of these labels, whatever their state, with the full record of each. */
  list(labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<EngineContainer[]>
  /** Events of containers that carry `label`; ends when the signal aborts, throws UNAVAILABLE when the stream breaks. */
  events(label: string, signal: AbortSignal): AsyncIterable<EngineEvent>
  /** Engine name and version, for Node.status.nodeInfo: `docker://20.10.24`. */
  version(signal?: AbortSignal): Promise<string>
}

export interface EngineImage {
  id: string
  tags: readonly string[]
  digests: readonly string[]
  sizeBytes: number
  /** User the image runs as, '' for root. */
  user: string
}

export interface RegistryAuth {
  username: string
  password: string
  serverAddress: string
}

export interface ImageStore {
  find(reference: string, signal?: AbortSignal): Promise<EngineImage | undefined>
  /** Throws NOT_FOUND (no such image), PERMISSION_DENIED, UNAVAILABLE (no registry). */
  pull(reference: string, options: { auth?: RegistryAuth; signal?: AbortSignal }): Promise<EngineImage>
  list(signal?: AbortSignal): Promise<EngineImage[]>
  remove(id: string, signal?: AbortSignal): Promise<void>
  /** Makes an image of one tar stream (a root file system), as `docker import` does. */
  importRootfs(
    tar: Readable,
    options: { tag: string; entrypoint: readonly string[]; command?: readonly string[]; env?: readonly string[] },
  ): Promise<void>
}

export interface LogOptions {
  follow: boolean
  stdout: boolean
  stderr: boolean
  timestamps: boolean
  tailLines?: number
  sinceMs?: number
  signal: AbortSignal
}

export interface ExecSession {
  /** Raw bytes to the process; `end()` closes its standard input. */
  stdin: Writable
  stdout: Readable
  /** Never written when the session has a TTY. */
  stderr: Readable
  resize(columns: number, rows: number): Promise<void>
  /** Exit code, once the process ended (for attach: the container's). */
  exited: Promise<number>
}

/** The byte streams of containers. */
export interface ContainerStreams {
  /** Bytes as the container wrote them (each line prefixed by its RFC 3339 time with `timestamps`). */
  logs(id: string, options: LogOptions): Promise<{ stdout: Readable; stderr: Readable }>
  exec(
    id: string,
    options: {
      command: readonly string[]
      stdin: boolean
      tty: boolean
      /** The terminal's first size, for engines that can set it before the program runs. */
      size?: { columns: number; rows: number }
      signal: AbortSignal
    },
  ): Promise<ExecSession>
  attach(id: string, options: { stdin: boolean; tty: boolean; signal: AbortSignal }): Promise<ExecSession>
  /** A TCP connection to 127.0.0.1:port inside the container's network namespace. */
  connect(id: string, port: number, signal: AbortSignal): Promise<Duplex>
}
