import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Exec } from '../../../host/exec.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import type { NetworkConfig, PluginConfig } from './network-config.ts'

export interface CniRuntimeOptions {
  exec: Exec
  binDir: string
  cacheDir: string
  /** How long one plugin may take. */
  deadlineMs?: number
}

export interface PortMapping {
  hostPort: number
  containerPort: number
  protocol: string
  hostIP: string
}

export interface Attachment {
  containerId: string
  /** Path of the network namespace; '' when it is gone. */
  netns: string
  pod: Pick<LocalPod, 'name' | 'namespace' | 'uid'>
  portMappings: readonly PortMapping[]
  signal?: AbortSignal
}

interface CniResult {
  cniVersion?: string
  ips?: { address: string }[]
  [key: string]: unknown
}

/** What DEL needs of an ADD, kept on disk as libcni does, so that a restart (or another config) does not lose it. */
interface Cached {
  kind: 'cniCacheV1'
  containerId: string
  ifName: string
  networkName: string
  config: NetworkConfig
  pod: Attachment['pod']
  portMappings: readonly PortMapping[]
  result: CniResult
}

const interfaceName = 'eth0'

/** The plugin's config as it gets it on standard input. Pure. */
export const pluginInput = (
  network: NetworkConfig,
  plugin: PluginConfig,
  given: { prevResult?: CniResult; portMappings: readonly PortMapping[] },
): string => {
  const { capabilities, ...own } = plugin
  const runtimeConfig =
    capabilities?.['portMappings'] === true && given.portMappings.length > 0 ? { portMappings: given.portMappings } : {}
  return JSON.stringify({
    ...own,
    name: network.name,
    cniVersion: network.cniVersion,
    ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig }),
    ...(given.prevResult === undefined ? {} : { prevResult: given.prevResult }),
  })
}

/** What a plugin said when it failed: the spec's error object on standard output, or whatever it wrote. Pure. */
export const pluginError = (
  plugin: string,
  command: string,
  output: { stdout: string; stderr: string },
): SkiffError => {
  let said = output.stderr.trim() || output.stdout.trim()
  try {
    const { msg, details } = JSON.parse(output.stdout) as { msg?: string; details?: string }
    said = [msg, details].filter(Boolean).join(': ')
  } catch {
    // No JSON: the plugin died before it could explain itself.
  }
  return new SkiffError(
    'COMMAND_FAILED',
    `plugin type="${plugin}" failed (${command.toLowerCase()}): ${said.slice(0, 2000)}`,
  )
}

const addressOf = (result: CniResult): string => (result.ips?.[0]?.address ?? '').split('/')[0] ?? ''

/** Runs CNI plugins as the CNI specification 1.0.0 says (sections 2 and 3), for one interface a pod. */
export class CniRuntime {
  readonly #options: Required<CniRuntimeOptions>
  readonly #results: string
  constructor(options: CniRuntimeOptions) {
    this.#options = { deadlineMs: 30_000, ...options }
    this.#results = join(options.cacheDir, 'results')
  }

  /** Attaches the pod; resolves with its address. On failure what was done is undone and COMMAND_FAILED thrown. */
  async add(network: NetworkConfig, to: Attachment): Promise<string> {
    let prevResult: CniResult | undefined
    try {
      await this.#loopback(network, to)
      for (const plugin of network.plugins) {
        const input = pluginInput(network, plugin, { portMappings: to.portMappings, ...(prevResult && { prevResult }) })
        prevResult = this.#parse(plugin.type, await this.#run('ADD', plugin.type, input, to))
      }
      const ip = prevResult === undefined ? '' : addressOf(prevResult)
      if (ip === '') throw new SkiffError('COMMAND_FAILED', `network "${network.name}" gave the pod no address`)
      this.#store(network, to, prevResult ?? {})
      return ip
    } catch (error) {
      const { signal: _, ...unbound } = to
      await this.#deleteAll(network, unbound, prevResult).catch(() => {})
      throw error
    }
  }

  /** Detaches it, last plugin first, with the config and result of its ADD. Idempotent; goes on after a failure. */
  async del(network: NetworkConfig | undefined, from: Attachment): Promise<void> {
    const cached = this.cached(from.containerId)
    const config = cached?.config ?? network
    if (config === undefined) return
    const pod = cached?.pod ?? from.pod
    const portMappings = cached?.portMappings ?? from.portMappings
    await this.#deleteAll(config, { ...from, pod, portMappings }, cached?.result)
    rmSync(this.#file(config.name, from.containerId), { force: true })
  }

  /** The address a sandbox got, also before a restart of the kubelet. */
  address(containerId: string): string | undefined {
    const cached = this.cached(containerId)
    return cached === undefined ? undefined : addressOf(cached.result)
  }

  cached(containerId: string): Cached | undefined {
    for (const name of this.#cachedFiles())
      if (name.endsWith(`-${containerId}-${interfaceName}`)) {
        try {
          return JSON.parse(readFileSync(join(this.#results, name), 'utf8')) as Cached
        } catch {
          // A torn file: DEL then runs with the config in force, which the specification allows.
          return undefined
        }
      }
    return undefined
  }

  /** Attachments whose sandbox is none of these: left by a crash. */
  stale(live: ReadonlySet<string>): Attachment[] {
    return this.#cachedFiles().flatMap(name => {
      const id =
        name
          .slice(0, -interfaceName.length - 1)
          .split('-')
          .at(-1) ?? ''
      const cached = live.has(id) ? undefined : this.cached(id)
      return cached === undefined
        ? []
        : [{ containerId: id, netns: '', pod: cached.pod, portMappings: cached.portMappings }]
    })
  }

  async #deleteAll(network: NetworkConfig, from: Attachment, prevResult: CniResult | undefined): Promise<void> {
    const failures: unknown[] = []
    for (const plugin of network.plugins.toReversed()) {
      const input = pluginInput(network, plugin, { portMappings: from.portMappings, ...(prevResult && { prevResult }) })
      await this.#run('DEL', plugin.type, input, from).catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0)
      throw new SkiffError('COMMAND_FAILED', failures.map(messageOf).join('; '), {
        cause: new AggregateError(failures),
      })
  }

  /**
   * `lo` comes first, where it is not up already: Docker brings it up in every namespace it makes, and a plugin is a
   * program to start. The namespace's own routing table tells.
   */
  async #loopback(network: NetworkConfig, to: Attachment): Promise<void> {
    const pid = /^\/proc\/(\d+)\/ns\/net$/.exec(to.netns)?.[1]
    const routes = pid === undefined ? '' : await readFile(`/proc/${pid}/net/fib_trie`, 'utf8').catch(() => '')
    if (routes.includes('127.0.0.1')) return
    const input = JSON.stringify({ cniVersion: network.cniVersion, name: 'cni-loopback', type: 'loopback' })
    await this.#run('ADD', 'loopback', input, { ...to }, 'lo')
  }

  async #run(
    command: 'ADD' | 'DEL',
    plugin: string,
    stdin: string,
    at: Attachment,
    ifName = interfaceName,
  ): Promise<string> {
    const { exec, binDir, deadlineMs } = this.#options
    const { pod } = at
    const args = {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: pod.namespace,
      K8S_POD_NAME: pod.name,
      K8S_POD_INFRA_CONTAINER_ID: at.containerId,
      K8S_POD_UID: pod.uid,
    }
    const result = await exec.run(join(binDir, plugin), [], {
      stdin,
      timeoutMs: deadlineMs,
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: at.containerId,
        CNI_NETNS: at.netns,
        CNI_IFNAME: ifName,
        CNI_PATH: binDir,
        CNI_ARGS: Object.entries(args)
          .map(([key, value]) => `${key}=${value}`)
          .join(';'),
      },
      ...(at.signal === undefined ? {} : { signal: at.signal }),
    })
    if (result.exitCode !== 0) throw pluginError(plugin, command, result)
    return result.stdout
  }

  #parse(plugin: string, stdout: string): CniResult {
    try {
      return JSON.parse(stdout) as CniResult
    } catch (cause) {
      throw new SkiffError('COMMAND_FAILED', `plugin type="${plugin}" answered ADD with what is no JSON`, { cause })
    }
  }

  #file(network: string, containerId: string): string {
    return join(this.#results, `${network}-${containerId}-${interfaceName}`)
  }

  #store(config: NetworkConfig, to: Attachment, result: CniResult): void {
    const cached: Cached = {
      kind: 'cniCacheV1',
      containerId: to.containerId,
      ifName: interfaceName,
      networkName: config.name,
      config,
      pod: { name: to.pod.name, namespace: to.pod.namespace, uid: to.pod.uid },
      portMappings: to.portMappings,
      result,
    }
    mkdirSync(this.#results, { recursive: true, mode: 0o700 })
    const file = this.#file(config.name, to.containerId)
    writeFileSync(`${file}.tmp`, JSON.stringify(cached), { mode: 0o600 })
    renameSync(`${file}.tmp`, file)
  }

  #cachedFiles(): string[] {
    try {
      return readdirSync(this.#results).filter(name => name.endsWith(`-${interfaceName}`))
    } catch {
      // Nothing was attached yet.
      return []
    }
  }
}
