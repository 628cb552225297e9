import {
  booleanOption,
  durationOption,
  listOption,
  numberOption,
  stringOption,
  type OptionsOf,
  type OptionTable,
} from '../../kube/options.ts'

/** The kubelet's flags and KubeletConfiguration (kubelet.config.k8s.io/v1beta1) keys. */
export const options = {
  config: stringOption('config', { default: '', help: 'file with a KubeletConfiguration' }),
  kubeconfig: stringOption('kubeconfig', { default: '', help: 'kubeconfig of the API server' }),
  nodeIp: stringOption('node-ip', { default: '', help: 'address of the node; the first one found when empty' }),
  hostnameOverride: stringOption('hostname-override', {
    default: '',
    help: 'name of the node; the host name when empty',
  }),
  rootDir: stringOption('root-dir', { default: '/var/lib/skiff/kubelet', help: 'where pods have their volumes' }),
  containerRuntimeEndpoint: stringOption('container-runtime-endpoint', {
    config: 'containerRuntimeEndpoint',
    default: 'unix:///var/run/docker.sock',
    help: 'socket of the Docker Engine',
  }),
  podInfraContainerImage: stringOption('pod-infra-container-image', {
    default: 'skiff/pause:3',
    help: 'image of the pause container',
  }),
  cgroupParent: stringOption('cgroup-parent', { default: '', help: 'cgroup under which containers are put' }),
  skiffNetwork: booleanOption('skiff-network', { default: false, help: "set up Skiff's own pod network on this node" }),
  cniConfDir: stringOption('cni-conf-dir', {
    default: '/etc/cni/net.d',
    help: 'CNI configs; the first valid one counts',
  }),
  cniBinDir: stringOption('cni-bin-dir', { default: '/opt/cni/bin', help: 'CNI plugins' }),
  cniCacheDir: stringOption('cni-cache-dir', { default: '/var/lib/cni', help: 'results of CNI plugins' }),
  cniDataDir: stringOption('cni-data-dir', { default: '/var/lib/cni/networks', help: 'leases of host-local' }),
  serviceCidr: stringOption('service-cluster-ip-range', {
    default: '10.96.0.0/16',
    help: 'range of all Services (--skiff-network)',
  }),
  clusterCidr: stringOption('cluster-cidr', { default: '10.244.0.0/16', help: 'range of all pods (--skiff-network)' }),
  address: stringOption('address', { config: 'address', default: '0.0.0.0', help: 'address of the HTTPS API' }),
  port: numberOption('port', { config: 'port', default: 10250, help: 'port of the HTTPS API' }),
  tlsCertFile: stringOption('tls-cert-file', {
    config: 'tlsCertFile',
    default: '',
    help: 'certificate of the HTTPS API',
  }),
  tlsPrivateKeyFile: stringOption('tls-private-key-file', {
    config: 'tlsPrivateKeyFile',
    default: '',
    help: 'key of the HTTPS API',
  }),
  clientCaFile: stringOption('client-ca-file', {
    config: 'authentication.x509.clientCAFile',
    default: '',
    help: 'whose client certificates the HTTPS API accepts',
  }),
  anonymousAuth: booleanOption('anonymous-auth', {
    config: 'authentication.anonymous.enabled',
    default: false,
    help: 'must be false: nobody is served without a client certificate',
  }),
  webhookAuth: booleanOption('authentication-token-webhook', {
    config: 'authentication.webhook.enabled',
    default: false,
    help: 'must be false: tokens are not accepted',
  }),
  clusterDns: listOption('cluster-dns', {
    config: 'clusterDNS',
    default: ['10.96.0.10'],
    help: 'name servers of pods',
  }),
  clusterDomain: stringOption('cluster-domain', {
    config: 'clusterDomain',
    default: 'cluster.local',
    help: 'domain of the cluster',
  }),
  resolvConf: stringOption('resolv-conf', {
    config: 'resolvConf',
    default: '/etc/resolv.conf',
    help: "the node's resolver configuration",
  }),
  maxPods: numberOption('max-pods', { config: 'maxPods', default: 110, help: 'pods this node takes' }),
  registerNode: booleanOption('register-node', {
    config: 'registerNode',
    default: true,
    help: 'create the Node object',
  }),
  nodeStatusReportFrequency: durationOption('node-status-report-frequency', {
    config: 'nodeStatusReportFrequency',
    default: 300_000,
    help: 'how often an unchanged status is written',
  }),
  nodeLeaseDurationSeconds: numberOption('node-lease-duration-seconds', {
    config: 'nodeLeaseDurationSeconds',
    default: 40,
    help: 'duration of the node lease',
  }),
  cgroupDriver: stringOption('cgroup-driver', {
    config: 'cgroupDriver',
    default: '',
    help: "accepted and not used: Docker's own setting counts",
  }),
  allowedUnsafeSysctls: listOption('allowed-unsafe-sysctls', {
    config: 'allowedUnsafeSysctls',
    default: [],
    help: 'sysctls beyond the safe ones that pods may set; names, or prefixes that end in *',
  }),
  failSwapOn: booleanOption('fail-swap-on', { config: 'failSwapOn', default: false, help: 'accepted and not used' }),
} satisfies OptionTable

export type KubeletOptions = OptionsOf<typeof options>
