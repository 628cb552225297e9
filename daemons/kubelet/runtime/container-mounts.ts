import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Container } from 'kubernetes-types/core/v1.js'
import type { EngineMount } from '../../../host/container-engine.ts'
import { SkiffError } from '../../../kube/errors.ts'
import { mountPropagation } from '../container/container-spec.ts'
import { expand } from '../container/expand.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import type { PodDirectory } from '../volumes/pod-directory.ts'
import { resolveSubPath } from '../volumes/sub-path.ts'

/** Volumes whose files the kubelet writes: nobody else may. */
const isReadOnlyVolume = (pod: LocalPod, name: string): boolean => {
  const volume = pod.spec.volumes?.find(v => v.name === name)
  return [volume?.configMap, volume?.secret, volume?.projected, volume?.downwardAPI].some(
    source => source !== undefined,
  )
}

export interface MountFacts {
  directory: PodDirectory
  attempt: number
  /** Places of the pod's volumes on the host, by name. */
  volumes: ReadonlyMap<string, string>
  env: readonly { name: string; value: string }[]
}

/** A container's mounts; makes its termination message file and missing subPaths. Throws INVALID_INPUT, NOT_FOUND. */
export const containerMounts = async (
  pod: LocalPod,
  container: Container,
  facts: MountFacts,
): Promise<EngineMount[]> => {
  const { directory } = facts
  const values = new Map(facts.env.map(({ name, value }) => [name, value]))
  const mounts: EngineMount[] = []
  for (const mount of container.volumeMounts ?? []) {
    const place = facts.volumes.get(mount.name)
    if (place === undefined)
      throw new SkiffError(
        'NOT_FOUND',
        `cannot find volume "${mount.name}" to mount into container "${container.name}"`,
      )
    const subPath =
      mount.subPathExpr === undefined ? (mount.subPath ?? '') : expand(mount.subPathExpr, name => values.get(name))
    mounts.push({
      source: subPath === '' ? place : await resolveSubPath(place, subPath),
      target: mount.mountPath,
      readOnly: (mount.readOnly ?? false) || isReadOnlyVolume(pod, mount.name),
      propagation: mountPropagation(mount.mountPropagation),
    })
  }
  const taken = new Set(mounts.map(mount => mount.target))
  const add = (source: string, target: string) => {
    if (!taken.has(target)) mounts.push({ source, target, readOnly: false })
  }
  add(directory.etcHosts, '/etc/hosts')
  add(directory.resolvConf, '/etc/resolv.conf')
  const log = directory.terminationLog(container.name, facts.attempt)
  await mkdir(dirname(log), { recursive: true, mode: 0o750 })
  const file = await open(log, 'w', 0o666)
  // Whatever user the container runs as may write it; the umask would say otherwise.
  await file.chmod(0o666)
  await file.close()
  add(log, container.terminationMessagePath ?? '/dev/termination-log')
  return mounts
}
