import { chmod, chown, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Volume } from 'kubernetes-types/core/v1.js'
import type { Clock } from '../../../kube/clock.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { quantityToBytes } from '../../../kube/quantity.ts'
import { runOk, type Exec } from '../../../host/exec.ts'
import type { Journal } from '../../../host/journal.ts'
import type { DownwardFacts } from '../container/downward.ts'
import type { ConfigSource } from '../container/env.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { writeAtomically } from './atomic-writer.ts'
import { prepareHostPath } from './host-path.ts'
import { payloadOf } from './payload.ts'
import { podDirectory } from './pod-directory.ts'
import type { TokenSource } from './pod-tokens.ts'

export interface VolumeManagerOptions {
  rootDir: string
  exec: Exec
  journal: Journal
  clock: Clock
  source: ConfigSource
  tokens: TokenSource
}

const pluginOf = (volume: Volume): string => {
  if (volume.emptyDir !== undefined) return 'kubernetes.io~empty-dir'
  if (volume.configMap !== undefined) return 'kubernetes.io~configmap'
  if (volume.secret !== undefined) return 'kubernetes.io~secret'
  if (volume.downwardAPI !== undefined) return 'kubernetes.io~downward-api'
  return 'kubernetes.io~projected'
}

/** The kind of a volume's source: the one key besides its name. */
export const volumeKind = (volume: Volume): string => Object.keys(volume).find(key => key !== 'name') ?? 'emptyDir'

const mountsBelow = async (path: string): Promise<string[]> => {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table
    .split('\n')
    .map(line => (line.split(' ')[4] ?? '').replaceAll('\\040', ' '))
    .filter(target => target === path || target.startsWith(`${path}/`))
    .reverse()
}

/** Makes the volumes of pods on this host, keeps the mounted files current, and takes them away. */
export class VolumeManager {
  readonly #options: VolumeManagerOptions
  /** The last mount of each pod's volumes, by uid. */
  readonly #mounting = new Map<string, Promise<unknown>>()
  constructor(options: VolumeManagerOptions) {
    this.#options = options
  }

  /**
   * Every volume's place on the host, by name. Idempotent: files of config volumes are rewritten when they changed.
   * Throws what failed first, its message beginning as upstream's FailedMount events do.
   */
  async mount(pod: LocalPod, facts: DownwardFacts): Promise<Map<string, string>> {
    // One writer at a time: two that change a volume together would each leave the other's old files behind.
    const before = this.#mounting.get(pod.uid) ?? Promise.resolve()
    const mounting = before.catch(() => {}).then(() => this.#mountAll(pod, facts))
    this.#mounting.set(pod.uid, mounting)
    return mounting
  }

  async #mountAll(pod: LocalPod, facts: DownwardFacts): Promise<Map<string, string>> {
    const places = await Promise.all(
      (pod.spec.volumes ?? []).map(async (volume): Promise<[string, string]> => {
        try {
          return [volume.name, await this.#mountOne(pod, volume, facts)]
        } catch (cause) {
          const code = cause instanceof SkiffError ? cause.code : 'COMMAND_FAILED'
          const text = `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(cause)}`
          throw new SkiffError(code, text, { cause })
        }
      }),
    )
    return new Map(places)
  }

  /** Unmounts and deletes everything of a pod. Idempotent. */
  async unmount(uid: string): Promise<void> {
    await this.#mounting.get(uid)?.catch(() => {})
    this.#mounting.delete(uid)
    const { root } = podDirectory(this.#options.rootDir, uid)
    const failures: unknown[] = []
    for (const target of await mountsBelow(root))
      await runOk(this.#options.exec, 'umount', [target]).catch((error: unknown) => failures.push(error))
    // Deleting through a mount that could not be taken away would delete what is behind it.
    if (failures.length > 0) throw new AggregateError(failures, `unmount the volumes of pod ${uid}`)
    await rm(root, { recursive: true, force: true })
  }

  async #mountOne(pod: LocalPod, volume: Volume, facts: DownwardFacts): Promise<string> {
    const { rootDir, source, tokens, clock } = this.#options
    const path = podDirectory(rootDir, pod.uid).volume(pluginOf(volume), volume.name)
    const fsGroup = pod.spec.securityContext?.fsGroup
    const payload = await payloadOf(volume, { pod, facts, source, tokens })
    if (payload !== undefined) {
      await writeAtomically(path, payload, { nowMs: clock.now(), ...(fsGroup === undefined ? {} : { fsGroup }) })
      return path
    }
    if (volume.hostPath !== undefined) {
      await prepareHostPath(volume.hostPath.path, volume.hostPath.type)
      return volume.hostPath.path
    }
    const kind = volumeKind(volume)
    if (kind !== 'emptyDir')
      throw new SkiffError('NOT_IMPLEMENTED', `NOT_IMPLEMENTED: volumes of kind ${kind} are not built into Skiff`)
    await this.#emptyDir(path, volume, fsGroup)
    return path
  }

  async #emptyDir(path: string, volume: Volume, fsGroup: number | undefined): Promise<void> {
    const { exec, journal } = this.#options
    await mkdir(path, { recursive: true })
    if (volume.emptyDir?.medium === 'Memory' && !(await mountsBelow(path)).includes(path)) {
      const size = volume.emptyDir.sizeLimit === undefined ? [] : [`size=${quantityToBytes(volume.emptyDir.sizeLimit)}`]
      journal.record({ kind: 'mounts', under: join(this.#options.rootDir, 'pods') })
      await runOk(exec, 'mount', ['-t', 'tmpfs', '-o', ['mode=0777', ...size].join(','), 'tmpfs', path])
    }
    if (fsGroup !== undefined) await chown(path, -1, fsGroup)
    // Anybody in the pod may write, whatever user its image has; the group bit passes fsGroup on to new files.
    await chmod(path, fsGroup === undefined ? 0o777 : 0o2777)
  }
}
