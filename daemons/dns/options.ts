import { listOption, numberOption, stringOption, type OptionTable } from '../../kube/options.ts'

/** Flags of the DNS daemon; `conf` and `dns.port` are CoreDNS's. */
export const options = {
  conf: stringOption('conf', { default: '', help: 'Corefile; none: a built-in one, as kubeadm has it' }),
  port: numberOption('dns.port', { default: 53, help: 'port of zones that name none' }),
  kubeconfig: stringOption('kubeconfig', { default: '', help: 'how to reach the API server' }),
  bind: listOption('bind', { default: [], help: 'addresses to listen on; none: the service address, or all' }),
  serviceAddress: stringOption('service-address', {
    default: '',
    help: 'address that is added to lo and listened on: the ClusterIP of kube-dns, which kube-proxy leaves alone',
  }),
  clusterDomain: stringOption('cluster-domain', { default: 'cluster.local', help: 'zone of the built-in Corefile' }),
} satisfies OptionTable
