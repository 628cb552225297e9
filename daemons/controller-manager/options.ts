import {
  booleanOption,
  durationOption,
  listOption,
  numberOption,
  stringOption,
  type OptionsOf,
  type OptionTable,
} from '../../kube/options.ts'

/** Flags of the controller manager, named as upstream's kube-controller-manager names them. */
export const options = {
  kubeconfig: stringOption('kubeconfig', {
    default: '',
    help: 'file that says where the API server is and who asks',
  }),
  controllers: listOption('controllers', {
    default: ['*'],
    help: "controllers to run: '*' is all of them, 'foo' is foo, '-foo' is all but foo",
  }),
  bindAddress: stringOption('bind-address', {
    default: '127.0.0.1',
    help: 'address that /healthz and /metrics are served on, over plain HTTP',
  }),
  securePort: numberOption('secure-port', { default: 10257, help: 'port of the same; 0 serves nothing' }),
  leaderElect: booleanOption('leader-elect', {
    default: false,
    help: 'run only while leading: not implemented yet, so true is refused',
  }),
  allocateNodeCidrs: booleanOption('allocate-node-cidrs', {
    default: false,
    help: 'give every node a range of pod addresses',
  }),
  clusterCidr: stringOption('cluster-cidr', { default: '10.244.0.0/16', help: 'range that the nodes get theirs from' }),
  nodeCidrMaskSize: numberOption('node-cidr-mask-size', { default: 24, help: "prefix length of a node's range" }),
  nodeMonitorPeriod: durationOption('node-monitor-period', {
    default: 5_000,
    help: 'how often nodes are looked at for signs of life',
  }),
  nodeMonitorGracePeriod: durationOption('node-monitor-grace-period', {
    default: 40_000,
    help: 'silence after which the state of a node is unknown',
  }),
  nodeStartupGracePeriod: durationOption('node-startup-grace-period', {
    default: 60_000,
    help: 'the same for a node that has never reported',
  }),
  terminatedPodGcThreshold: numberOption('terminated-pod-gc-threshold', {
    default: 12_500,
    help: 'finished pods past this number are deleted, the oldest first; 0 keeps all',
  }),
  rootCaFile: stringOption('root-ca-file', {
    default: '',
    help: 'certificate published as kube-root-ca.crt in every namespace; none: it is not',
  }),
  serviceAccountPrivateKeyFile: stringOption('service-account-private-key-file', {
    default: '',
    help: 'key that the tokens in Secrets are signed with, PEM; none: such Secrets are left alone',
  }),
  clusterSigningCertFile: stringOption('cluster-signing-cert-file', {
    default: '',
    help: 'certificate of the CA that signs CertificateSigningRequests; none: nothing is signed',
  }),
  clusterSigningKeyFile: stringOption('cluster-signing-key-file', { default: '', help: 'private key of the same CA' }),
  clusterSigningDuration: durationOption('cluster-signing-duration', {
    default: 31_536_000_000,
    help: 'how long a certificate is good for that asks for no shorter time',
  }),
  maxEndpointsPerSlice: numberOption('max-endpoints-per-slice', {
    default: 100,
    help: 'endpoints that one EndpointSlice holds at most',
  }),
  mirroringMaxEndpointsPerSubset: numberOption('mirroring-max-endpoints-per-subset', {
    default: 1000,
    help: 'endpoints that one mirrored EndpointSlice holds at most',
  }),
} satisfies OptionTable

export type ControllerManagerOptions = OptionsOf<typeof options>
