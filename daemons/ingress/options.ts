import {
  booleanOption,
  durationOption,
  numberOption,
  stringOption,
  type OptionsOf,
  type OptionTable,
} from '../../kube/options.ts'

export const options = {
  kubeconfig: stringOption('kubeconfig', { default: '', help: 'how the API server is reached' }),
  ingressClass: stringOption('ingress-class', {
    default: 'nginx',
    help: 'the IngressClass this daemon makes if it is missing, and the annotation kubernetes.io/ingress.class it honours',
  }),
  controllerClass: stringOption('controller-class', {
    default: 'k8s.io/ingress-nginx',
    help: 'Ingresses of every IngressClass with this spec.controller are served',
  }),
  listenAddress: stringOption('listen-address', { default: '0.0.0.0', help: 'the address nginx listens on' }),
  httpPort: numberOption('http-port', { default: 80, help: 'port for HTTP' }),
  httpsPort: numberOption('https-port', { default: 443, help: 'port for HTTPS; opened when some Ingress has tls' }),
  publishAddress: stringOption('publish-status-address', {
    default: '',
    help: 'the address written to status.loadBalancer; default: the listen address, or the node’s first one',
  }),
  updateStatus: booleanOption('update-status', { default: true, help: 'write status.loadBalancer of Ingresses' }),
  healthzBindAddress: stringOption('healthz-bind-address', {
    default: '127.0.0.1:10254',
    help: '/healthz and /metrics; empty: none',
  }),
  dataDir: stringOption('data-dir', {
    default: '/var/lib/skiff/ingress',
    help: 'configuration, certificates and temporary files of this nginx',
  }),
  nginx: stringOption('nginx', { default: '/usr/sbin/nginx', help: 'the program' }),
  workers: numberOption('worker-processes', { default: 1, help: 'nginx worker processes' }),
  minReloadPeriodMs: durationOption('min-reload-period', { default: 500, help: 'least time between two reloads' }),
} satisfies OptionTable

export type IngressOptions = OptionsOf<typeof options>
