/**
 * The Corefile used where none is given: what kubeadm's says, but that health, readiness and metrics are served on the
 * DNS service's own address (when it is known), because the daemon runs on the host, whose ports others may use.
 */
export const defaultCorefile = (clusterDomain: string, serviceAddress = ''): string => {
  const at = (port: number): string => (serviceAddress === '' ? `127.0.0.1:${port}` : `${serviceAddress}:${port}`)
  return `.:53 {
    errors
    health ${at(8080)}
    ready ${at(8181)}
    kubernetes ${clusterDomain} in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus ${at(9153)}
    forward . /etc/resolv.conf {
        max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`
}
