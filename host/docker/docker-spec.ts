import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode'
import type { ContainerSpec, EngineContainer } from '../container-engine.ts'

/** Docker's default of unlimited json-file logs fills disks; upstream rotates at the same size and count. */
const logConfig = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } }

type HostConfig = NonNullable<ContainerCreateOptions['HostConfig']>

const hostConfigOf = (spec: ContainerSpec): HostConfig => {
  const { resources } = spec
  return {
    NetworkMode: spec.network,
    IpcMode: spec.ipc,
    // '' is a PID namespace of its own.
    PidMode: spec.pid === 'private' ? '' : spec.pid,
    Mounts: spec.mounts.map(mount => ({
      Type: 'bind' as const,
      Source: mount.source,
      Target: mount.target,
      ReadOnly: mount.readOnly,
      BindOptions: { Propagation: mount.propagation ?? 'rprivate' },
    })),
    Privileged: spec.privileged,
    ReadonlyRootfs: spec.readOnlyRoot,
    SecurityOpt: [...spec.securityOptions, ...(spec.noNewPrivileges ? ['no-new-privileges'] : [])],
    CapAdd: [...spec.addCapabilities],
    CapDrop: [...spec.dropCapabilities],
    Tmpfs: { ...spec.tmpfs },
    LogConfig: logConfig,
    RestartPolicy: { Name: 'no' },
    ...(spec.supplementalGroups === undefined ? {} : { GroupAdd: spec.supplementalGroups.map(String) }),
    ...(Object.keys(spec.sysctls).length === 0 ? {} : { Sysctls: { ...spec.sysctls } }),
    ...(resources.cpuShares === undefined ? {} : { CpuShares: resources.cpuShares }),
    ...(resources.cpuQuotaUs === undefined ? {} : { CpuPeriod: 100_000, CpuQuota: resources.cpuQuotaUs }),
    // Swap equal to memory means no swap, which is what a memory limit of a pod means.
    ...(resources.memoryBytes === undefined
      ? {}
      : { Memory: resources.memoryBytes, MemorySwap: resources.memoryBytes }),
    ...(resources.oomScoreAdj === undefined ? {} : { OomScoreAdj: resources.oomScoreAdj }),
    ...(spec.cgroupParent === undefined || spec.cgroupParent === '' ? {} : { CgroupParent: spec.cgroupParent }),
  }
}

/** The body of POST /containers/create for a spec. Pure. */
export const createOptionsOf = (spec: ContainerSpec): ContainerCreateOptions => ({
  name: spec.name,
  Image: spec.image,
  ...(spec.entrypoint === undefined ? {} : { Entrypoint: [...spec.entrypoint] }),
  ...(spec.args === undefined ? {} : { Cmd: [...spec.args] }),
  Env: spec.env.map(({ name, value }) => `${name}=${value}`),
  ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
  ...(spec.user === undefined ? {} : { User: spec.user }),
  // A host name cannot be set in a UTS namespace that is shared (host network).
  ...(spec.hostname === undefined || spec.network === 'host' || spec.network.startsWith('container:')
    ? {}
    : { Hostname: spec.hostname }),
  Labels: { ...spec.labels },
  Tty: spec.tty,
  OpenStdin: spec.stdin,
  StdinOnce: spec.stdinOnce,
  ...(spec.stopSignal === undefined ? {} : { StopSignal: spec.stopSignal }),
  // Image HEALTHCHECKs are not part of Kubernetes' contract and would run beside the pod's probes.
  Healthcheck: { Test: ['NONE'] },
  HostConfig: hostConfigOf(spec),
})

/** Go's zero time means "never". */
const timeOf = (text: string | undefined): number => {
  const ms = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(ms) || ms <= 0 ? 0 : ms
}

const stateOf = (state: ContainerInspectInfo['State']): EngineContainer['state'] => {
  if (state.Running || state.Paused) return 'running'
  // A container whose start failed stays `created`, with the reason and an exit code: for us it ended.
  if (state.Status === 'created' && (state.Error ?? '') === '' && state.ExitCode === 0) return 'created'
  return 'exited'
}

/** What an inspect says, in the port's words. Pure. */
export const containerOf = (info: ContainerInspectInfo): EngineContainer => {
  const state = stateOf(info.State)
  const createdAtMs = timeOf(info.Created)
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    image: info.Config.Image,
    imageId: info.Image,
    labels: info.Config.Labels ?? {},
    state,
    pid: info.State.Pid,
    exitCode: info.State.ExitCode,
    oomKilled: info.State.OOMKilled,
    error: info.State.Error ?? '',
    createdAtMs,
    startedAtMs: timeOf(info.State.StartedAt),
    finishedAtMs: timeOf(info.State.FinishedAt) || (state === 'exited' ? createdAtMs : 0),
  }
}
