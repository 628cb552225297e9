import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where everything that is not the cluster's data stands; emptied by a reboot. */
export const runDir = '/run/skiff'

export const defaultDataDir = '/var/lib/skiff'

/** The compiled entry of the command; what every process of Skiff is started from. */
export const mainScript = fileURLToPath(new URL('./main.js', import.meta.url))

/** The checkout or installation the command runs from. */
export const installDir = fileURLToPath(new URL('../..', import.meta.url))

/** Paths below the data directory. */
export const layout = (dataDir: string) => ({
  dataDir,
  config: join(dataDir, 'cluster.json'),
  journal: join(dataDir, 'journal'),
  logs: join(dataDir, 'logs'),
  store: join(dataDir, 'store'),
  encryption: join(dataDir, 'encryption.json'),
  kubelet: join(dataDir, 'kubelet'),
  cniBin: join(dataDir, 'cni/bin'),
  cniConf: join(dataDir, 'cni/net.d'),
  cniCache: join(dataDir, 'cni/cache'),
  cniLeases: join(dataDir, 'cni/networks'),
  corefile: join(dataDir, 'dns/Corefile'),
  ingress: join(dataDir, 'ingress'),
  engineData: join(dataDir, 'engine'),
  engineConfig: join(dataDir, 'engine.json'),
})

export const runLayout = {
  /** Names the data directory of the cluster that is up. */
  pointer: join(runDir, 'data-dir'),
  lock: join(runDir, 'up.lock'),
  supervisor: join(runDir, 'supervisor.json'),
  engineExec: join(runDir, 'engine'),
  enginePid: join(runDir, 'engine.pid'),
}

/** The engine's socket: Docker's own, so that `docker ps` shows the pods' containers. */
export const engineSocket = '/var/run/docker.sock'

/** The cgroup that the containers of an Engine started by Skiff live in. */
export const engineCgroup = 'skiff'

/** The data directory of the cluster that is up, or the one given, or the default. */
export const currentDataDir = (given?: string): string => {
  if (given !== undefined) return given
  try {
    return readFileSync(runLayout.pointer, 'utf8').trim() || defaultDataDir
  } catch {
    return defaultDataDir
  }
}
