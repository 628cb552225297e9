import { hostname } from 'node:os'
import { numberOption, stringOption, type OptionsOf, type OptionTable } from '../../kube/options.ts'
import { SkiffError } from '../../kube/errors.ts'
import { options as apiServerOptions } from '../../daemons/apiserver/options.ts'
import { defaultDataDir } from '../layout.ts'

const { etcdServers, etcdPrefix, etcdCafile, etcdCertfile, etcdKeyfile } = apiServerOptions

export const upOptions = {
  nodes: numberOption('nodes', { default: 1, help: 'nodes on this machine' }),
  proxyMode: stringOption('proxy-mode', { default: 'iptables', help: 'iptables, nftables or ipvs' }),
  runtime: stringOption('runtime', { default: 'docker', help: 'docker or cri' }),
  etcdServers,
  etcdPrefix,
  etcdCafile,
  etcdCertfile,
  etcdKeyfile,
  simulate: numberOption('simulate', { default: 0, help: 'simulated nodes to add' }),
  dataDir: stringOption('data-dir', { default: defaultDataDir, help: 'where the cluster keeps everything' }),
  kubeconfig: stringOption('kubeconfig', { default: '', help: 'also write the admin kubeconfig to this file' }),
  nodeName: stringOption('node-name', { default: hostname().toLowerCase(), help: "the node's name" }),
  nodeIp: stringOption('node-ip', {
    default: '',
    help: "the node's address; empty: the one that leads to the default route",
  }),
  podCidr: stringOption('pod-cidr', {
    default: '10.244.0.0/16',
    help: 'addresses of pods; each node gets a /24 of it',
  }),
  serviceCidr: stringOption('service-cidr', {
    default: '10.96.0.0/16',
    help: 'addresses of Services; DNS answers on its tenth',
  }),
  clusterDomain: stringOption('cluster-domain', { default: 'cluster.local', help: 'the domain of Services' }),
  ingressHttpPort: numberOption('ingress-http-port', { default: 80, help: 'port that the ingress listens on' }),
  ingressHttpsPort: numberOption('ingress-https-port', { default: 443, help: 'port for Ingresses with tls' }),
} as const satisfies OptionTable

export type UpOptions = OptionsOf<typeof upOptions>

const notBuilt = (what: string) => new SkiffError('NOT_IMPLEMENTED', `${what} is not built yet in this version`)

/** Refuses, by name, what the CLI contract has and this version has not. */
export const refuseNotBuilt = (options: UpOptions): void => {
  if (!Number.isInteger(options.nodes) || options.nodes < 1)
    throw new SkiffError('INVALID_INPUT', `--nodes: ${options.nodes} is not a number of nodes`)
  if (options.nodes > 1) throw notBuilt(`--nodes ${options.nodes}: more than one node`)
  if (!['iptables', 'nftables', 'ipvs'].includes(options.proxyMode))
    throw new SkiffError('INVALID_INPUT', `--proxy-mode: ${options.proxyMode} is none of iptables, nftables, ipvs`)
  if (options.proxyMode !== 'iptables') throw notBuilt(`--proxy-mode ${options.proxyMode}`)
  if (!['docker', 'cri'].includes(options.runtime))
    throw new SkiffError('INVALID_INPUT', `--runtime: ${options.runtime} is none of docker, cri`)
  if (options.runtime !== 'docker') throw notBuilt(`--runtime ${options.runtime}`)
  if (options.simulate !== 0) throw notBuilt('--simulate: simulated nodes')
  if (!options.dataDir.startsWith('/'))
    throw new SkiffError('INVALID_INPUT', `--data-dir: ${options.dataDir} is not an absolute path`)
}
