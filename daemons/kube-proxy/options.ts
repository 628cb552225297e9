import { SkiffError } from '../../kube/errors.ts'
import {
  booleanOption,
  durationOption,
  listOption,
  numberOption,
  stringOption,
  type OptionSpec,
  type OptionsOf,
  type OptionTable,
} from '../../kube/options.ts'

/** kubeadm writes `null` and `0s` for "the default": both mean it here too. */
const orDefault = <T>(spec: OptionSpec<T>): OptionSpec<T> => ({
  ...spec,
  parse: value => (value === null || value === '' ? spec.default : spec.parse(value)),
})

const duration = (flag: string, config: string, ms: number, help: string): OptionSpec<number> => {
  const spec = orDefault(durationOption(flag, { default: ms, config, help }))
  return { ...spec, parse: value => spec.parse(value) || ms }
}

/** A key that upstream's files carry and that changes nothing here; anything is taken. */
const accepted = (flag: string, config: string, why: string): OptionSpec<unknown> => ({
  flag,
  config,
  default: null,
  parse: value => value,
  help: `accepted, without effect: ${why}`,
})

/** A key that only has a meaning in modes that are not built: the empty values pass, others are refused by name. */
const unbuilt = (flag: string, config: string): OptionSpec<unknown> => ({
  flag,
  config,
  default: null,
  parse: value => {
    const empty = (v: unknown): boolean =>
      v === null ||
      v === '' ||
      v === 0 ||
      v === '0s' ||
      v === false ||
      (typeof v === 'object' && Object.values(v).every(empty))
    if (empty(value)) return null
    throw new SkiffError('NOT_IMPLEMENTED', `${config}: not built`, { remedy: `leave --${flag} out` })
  },
  help: 'not built; its empty values are accepted',
})

export const options = {
  config: stringOption('config', { default: '', help: 'a KubeProxyConfiguration file; flags win over it' }),
  kubeconfig: stringOption('kubeconfig', {
    default: '',
    config: 'clientConnection.kubeconfig',
    help: 'how the API server is reached',
  }),
  nodeName: orDefault(
    stringOption('hostname-override', {
      default: '',
      config: 'hostnameOverride',
      help: 'the Node; default: the host name',
    }),
  ),
  mode: orDefault(
    stringOption('proxy-mode', {
      default: 'iptables',
      config: 'mode',
      help: 'iptables (nftables and ipvs: not built)',
    }),
  ),
  clusterCidr: orDefault(
    stringOption('cluster-cidr', {
      default: '',
      config: 'clusterCIDR',
      help: 'the pods’ range: traffic to ClusterIPs from outside it is masqueraded',
    }),
  ),
  detectLocalMode: orDefault(
    stringOption('detect-local-mode', { default: 'ClusterCIDR', config: 'detectLocalMode', help: 'ClusterCIDR only' }),
  ),
  nodePortAddresses: orDefault(
    listOption('nodeport-addresses', {
      default: [],
      config: 'nodePortAddresses',
      help: 'networks in which the node’s addresses serve NodePorts, or `primary`; none: all but loopback',
    }),
  ),
  minSyncPeriodMs: duration(
    'iptables-min-sync-period',
    'iptables.minSyncPeriod',
    200,
    'least time between two writes of rules',
  ),
  syncPeriodMs: duration('iptables-sync-period', 'iptables.syncPeriod', 30_000, 'how often the rules are checked for'),
  masqueradeBit: orDefault(
    numberOption('iptables-masquerade-bit', {
      default: 14,
      config: 'iptables.masqueradeBit',
      help: 'bit of the packet mark',
    }),
  ),
  masqueradeAll: orDefault(
    booleanOption('masquerade-all', {
      default: false,
      config: 'iptables.masqueradeAll',
      help: 'masquerade all ClusterIP traffic',
    }),
  ),
  localhostNodePorts: orDefault(
    booleanOption('iptables-localhost-nodeports', {
      default: false,
      config: 'iptables.localhostNodePorts',
      help: 'NodePorts on 127.0.0.1 too (sets route_localnet)',
    }),
  ),
  healthzBindAddress: stringOption('healthz-bind-address', {
    default: '127.0.0.1:10256',
    config: 'healthzBindAddress',
    help: '/healthz and /livez; empty: none',
  }),
  metricsBindAddress: stringOption('metrics-bind-address', {
    default: '127.0.0.1:10249',
    config: 'metricsBindAddress',
    help: '/metrics, /proxyMode and /configz; empty: none',
  }),
  conntrackMaxPerCore: orDefault(
    numberOption('conntrack-max-per-core', {
      default: 32_768,
      config: 'conntrack.maxPerCore',
      help: 'connections the kernel tracks, a core; 0: as it is',
    }),
  ),
  conntrackMin: orDefault(
    numberOption('conntrack-min', { default: 131_072, config: 'conntrack.min', help: 'least connections tracked' }),
  ),
  conntrackEstablishedMs: orDefault(
    durationOption('conntrack-tcp-timeout-established', {
      default: 86_400_000,
      config: 'conntrack.tcpEstablishedTimeout',
      help: 'idle TCP connections are forgotten after this; 0: as it is',
    }),
  ),
  conntrackCloseWaitMs: orDefault(
    durationOption('conntrack-tcp-timeout-close-wait', {
      default: 3_600_000,
      config: 'conntrack.tcpCloseWaitTimeout',
      help: 'likewise in CLOSE_WAIT; 0: as it is',
    }),
  ),
  cleanup: booleanOption('cleanup', { default: false, help: 'remove every rule of kube-proxy, and exit' }),
  bindAddress: accepted('bind-address', 'bindAddress', 'the node’s addresses come from its Node object'),
  bindAddressHardFail: accepted(
    'bind-address-hard-fail',
    'bindAddressHardFail',
    'failing to listen always ends the start',
  ),
  acceptContentTypes: accepted('accept-content-types', 'clientConnection.acceptContentTypes', 'JSON is spoken'),
  contentType: accepted('kube-api-content-type', 'clientConnection.contentType', 'JSON is spoken'),
  burst: accepted('kube-api-burst', 'clientConnection.burst', 'a handful of watches need no limit'),
  qps: accepted('kube-api-qps', 'clientConnection.qps', 'a handful of watches need no limit'),
  configSyncPeriod: accepted('config-sync-period', 'configSyncPeriod', 'watches resume by themselves'),
  enableProfiling: accepted('profiling', 'enableProfiling', 'use node --inspect'),
  featureGates: accepted('feature-gates', 'featureGates', 'what is built is on'),
  logging: accepted('logging', 'logging', 'logs are JSON lines'),
  verbosity: accepted('v', 'verbosity', 'logs are JSON lines'),
  oomScoreAdj: accepted('oom-score-adj', 'oomScoreAdj', 'set in the unit file'),
  portRange: accepted('proxy-port-range', 'portRange', 'no ports are opened'),
  showHiddenMetrics: accepted('show-hidden-metrics-for-version', 'showHiddenMetricsForVersion', 'there are none'),
  windowsRunAsService: accepted('windows-service', 'windowsRunAsService', 'this is Linux'),
  winkernel: accepted('winkernel', 'winkernel', 'this is Linux'),
  conntrackLiberal: unbuilt('conntrack-tcp-be-liberal', 'conntrack.tcpBeLiberal'),
  conntrackUdpMs: unbuilt('conntrack-udp-timeout', 'conntrack.udpTimeout'),
  conntrackUdpStreamMs: unbuilt('conntrack-udp-timeout-stream', 'conntrack.udpStreamTimeout'),
  detectLocal: unbuilt('pod-bridge-interface', 'detectLocal'),
  ipvs: unbuilt('ipvs', 'ipvs'),
  nftables: accepted('nftables', 'nftables', 'that mode refuses to start'),
} satisfies OptionTable

export type KubeProxyOptions = OptionsOf<typeof options>
