import { existsSync, readFileSync } from 'node:fs'
import { SkiffError } from '../kube/errors.ts'
import { writeFileAtomic } from '../host/files.ts'
import { layout } from './layout.ts'

/** kube-apiserver's flags of the same names. */
export interface EtcdConfig {
  etcdServers: readonly string[]
  etcdPrefix: string
  etcdCafile: string
  etcdCertfile: string
  etcdKeyfile: string
}

/** What `up` decided, kept for the processes it starts and for the next `up`. */
export interface ClusterConfig {
  nodeName: string
  nodeIp: string
  podCidr: string
  serviceCidr: string
  apiServiceIp: string
  dnsIp: string
  clusterDomain: string
  ingressHttpPort: number
  ingressHttpsPort: number
  /** 'own': a dockerd that Skiff starts and ends; 'systemd': docker.service, started by Skiff; 'found': somebody else's. */
  engine: 'own' | 'systemd' | 'found'
  /** Units of systemd that did not run before `up`; empty unless engine is 'systemd'. */
  engineUnits: string[]
  /** The etcd cluster that keeps the state; without it the store under the data directory does. */
  etcd?: EtcdConfig
  /** Where the user wanted a copy of the admin kubeconfig; '' for none. */
  kubeconfig: string
}

export const writeClusterConfig = (dataDir: string, config: ClusterConfig): void =>
  writeFileAtomic(layout(dataDir).config, `${JSON.stringify(config, null, 2)}\n`, 0o600)

export const readClusterConfig = (dataDir: string): ClusterConfig => {
  const path = layout(dataDir).config
  if (!existsSync(path))
    throw new SkiffError('NOT_FOUND', `no cluster at ${dataDir}: ${path} is not there`, {
      remedy: 'run ./skiff up first',
    })
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ClusterConfig
  } catch (cause) {
    throw new SkiffError('CORRUPT', `${path} cannot be read as JSON`, {
      cause,
      remedy: 'run ./skiff down, then ./skiff up',
    })
  }
}
