import {
  booleanOption,
  durationOption,
  listOption,
  numberOption,
  type OptionsOf,
  type OptionTable,
  stringOption,
} from '../../kube/options.ts'

/** Flags of kube-apiserver that Skiff has, by their upstream names, and `data-dir` of its own. */
export const options = {
  bindAddress: listOption('bind-address', {
    default: ['0.0.0.0'],
    help: 'addresses to serve on, all on the same port',
  }),
  securePort: numberOption('secure-port', { default: 6443, help: 'port of HTTPS; 0 takes a free one' }),
  tlsCertFile: stringOption('tls-cert-file', {
    default: '/var/lib/skiff/pki/apiserver.crt',
    help: 'certificate of the server, PEM',
  }),
  tlsPrivateKeyFile: stringOption('tls-private-key-file', {
    default: '/var/lib/skiff/pki/apiserver.key',
    help: 'its private key, PEM',
  }),
  clientCaFile: stringOption('client-ca-file', {
    default: '/var/lib/skiff/pki/ca.crt',
    help: 'certificate authority of the client certificates: CN is the user, each O a group',
  }),
  requestheaderClientCaFile: stringOption('requestheader-client-ca-file', {
    default: '',
    help: 'certificate authority of front proxies, which say in headers who asks; empty: there are none',
  }),
  requestheaderAllowedNames: listOption('requestheader-allowed-names', {
    default: [],
    help: 'common names of front proxies; empty: whatever their authority has signed',
  }),
  requestheaderUsernameHeaders: listOption('requestheader-username-headers', {
    default: ['X-Remote-User'],
    help: 'headers in which front proxies name users',
  }),
  requestheaderUidHeaders: listOption('requestheader-uid-headers', {
    default: ['X-Remote-Uid'],
    help: 'headers in which front proxies give the uid',
  }),
  requestheaderGroupHeaders: listOption('requestheader-group-headers', {
    default: ['X-Remote-Group'],
    help: 'headers in which front proxies name groups',
  }),
  requestheaderExtraHeadersPrefix: listOption('requestheader-extra-headers-prefix', {
    default: ['X-Remote-Extra-'],
    help: 'what the headers begin with in which front proxies say more of a user',
  }),
  proxyClientCertFile: stringOption('proxy-client-cert-file', {
    default: '',
    help: 'client certificate shown to aggregated API servers, which then believe who this server says is asking',
  }),
  proxyClientKeyFile: stringOption('proxy-client-key-file', { default: '', help: 'its private key' }),
  kubeletClientCertificate: stringOption('kubelet-client-certificate', {
    default: '/var/lib/skiff/pki/apiserver-kubelet-client.crt',
    help: 'client certificate shown to kubelets (logs, exec, attach, port-forward)',
  }),
  kubeletClientKey: stringOption('kubelet-client-key', {
    default: '/var/lib/skiff/pki/apiserver-kubelet-client.key',
    help: 'its private key',
  }),
  kubeletCertificateAuthority: stringOption('kubelet-certificate-authority', {
    default: '/var/lib/skiff/pki/ca.crt',
    help: 'certificate authority of the kubelets',
  }),
  serviceClusterIpRange: stringOption('service-cluster-ip-range', {
    default: '10.96.0.0/16',
    help: 'range of the ClusterIPs, or one of each family: 10.96.0.0/16,fd00:96::/108; the first address of the first is that of the API itself',
  }),
  serviceNodePortRange: stringOption('service-node-port-range', {
    default: '30000-32767',
    help: 'range of the NodePorts',
  }),
  advertiseAddress: stringOption('advertise-address', {
    default: '',
    help: 'address of this server that pods are told; empty: the first of bind-address, else of the host, that is not loopback',
  }),
  dataDir: stringOption('data-dir', { default: '/var/lib/skiff/apiserver', help: 'directory of the embedded store' }),
  etcdServers: listOption('etcd-servers', {
    default: [],
    help: 'an etcd v3 cluster as the store instead of the embedded one: http://HOST:PORT or https://HOST:PORT of each member',
  }),
  etcdPrefix: stringOption('etcd-prefix', { default: '/registry', help: 'what all keys in etcd begin with' }),
  etcdCafile: stringOption('etcd-cafile', { default: '', help: 'certificate authority of etcd, PEM' }),
  etcdCertfile: stringOption('etcd-certfile', { default: '', help: 'client certificate shown to etcd, PEM' }),
  etcdKeyfile: stringOption('etcd-keyfile', { default: '', help: 'its private key, PEM' }),
  etcdCompactionInterval: durationOption('etcd-compaction-interval', {
    default: 300_000,
    help: 'how often etcd is told to forget what is older than that; 0: never',
  }),
  encryptionProviderConfig: stringOption('encryption-provider-config', {
    default: '',
    help: 'file with an EncryptionConfiguration: which resources are encrypted at rest, and by which keys; empty: none',
  }),
  enableAdmissionPlugins: listOption('enable-admission-plugins', {
    default: [],
    help: 'admission plugins to run besides those that are on by default: AlwaysPullImages, ExtendedResourceToleration',
  }),
  disableAdmissionPlugins: listOption('disable-admission-plugins', {
    default: [],
    help: 'admission plugins not to run although they are on by default',
  }),
  eventTtl: durationOption('event-ttl', { default: 3_600_000, help: 'how long Events are kept' }),
  authorizationMode: listOption('authorization-mode', {
    default: ['Node', 'RBAC'],
    help: 'who decides what may be done, in this order: Node, RBAC, AlwaysAllow, AlwaysDeny',
  }),
  anonymousAuth: booleanOption('anonymous-auth', {
    default: true,
    help: 'answer requests without credentials, as system:anonymous; false refuses them all',
  }),
  tokenAuthFile: stringOption('token-auth-file', {
    default: '',
    help: 'file of bearer tokens, a line each: token,user,uid,"group1,group2"',
  }),
  serviceAccountIssuer: listOption('service-account-issuer', {
    default: ['https://kubernetes.default.svc.cluster.local'],
    help: 'name of the cluster in the tokens it issues; more names are accepted, not issued',
  }),
  serviceAccountSigningKeyFile: stringOption('service-account-signing-key-file', {
    default: '',
    help: 'private key that service account tokens are signed with, PEM (RSA or EC); none: no tokens are issued',
  }),
  serviceAccountKeyFile: listOption('service-account-key-file', {
    default: [],
    help: 'PEM files with more keys that service account tokens may be signed with',
  }),
  serviceAccountExtendTokenExpiration: booleanOption('service-account-extend-token-expiration', {
    default: true,
    help: 'let tokens that pods get by default hold for a year, for clients that never read them again',
  }),
  serviceAccountJwksUri: stringOption('service-account-jwks-uri', {
    default: '',
    help: 'where the keys are found, in /.well-known/openid-configuration; empty: below the issuer',
  }),
  apiAudiences: listOption('api-audiences', {
    default: [],
    help: 'what tokens call this server; empty: the issuers',
  }),
  maxRequestsInflight: numberOption('max-requests-inflight', {
    default: 400,
    help: 'requests carried out at once, shared out among the priority levels; watches count while they begin',
  }),
  maxMutatingRequestsInflight: numberOption('max-mutating-requests-inflight', {
    default: 200,
    help: 'added to --max-requests-inflight',
  }),
} satisfies OptionTable

export type ApiServerOptions = OptionsOf<typeof options>
