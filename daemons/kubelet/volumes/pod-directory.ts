import { join } from 'node:path'

/** Where things of a pod lie under the kubelet's root directory, as upstream lays them out. */
export interface PodDirectory {
  readonly root: string
  readonly etcHosts: string
  readonly resolvConf: string
  /** `plugin` with a tilde: `kubernetes.io~configmap`. */
  volume(plugin: string, name: string): string
  terminationLog(container: string, attempt: number): string
}

export const podDirectory = (rootDir: string, uid: string): PodDirectory => {
  const root = join(rootDir, 'pods', uid)
  return {
    root,
    etcHosts: join(root, 'etc-hosts'),
    resolvConf: join(root, 'resolv.conf'),
    volume: (plugin, name) => join(root, 'volumes', plugin, name),
    terminationLog: (container, attempt) => join(root, 'containers', container, `termination-${attempt}`),
  }
}
