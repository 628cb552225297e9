import { SkiffError } from '../../../kube/errors.ts'
import type { LocalPod } from '../sync/local-pod.ts'

const base = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
]

/** A host name has 63 characters at most, and ends in none of these. */
export const hostnameOf = (pod: LocalPod): string => (pod.spec.hostname ?? pod.name).slice(0, 63).replace(/[-.]+$/, '')

/** `host.subdomain.namespace.svc.domain`; undefined for a pod without a subdomain. */
export const qualifiedNameOf = (pod: LocalPod, clusterDomain: string): string | undefined => {
  const { subdomain } = pod.spec
  if (subdomain === undefined || subdomain === '') return undefined
  return `${hostnameOf(pod)}.${subdomain}.${pod.namespace}.svc.${clusterDomain}`
}

/** The kernel's bound on a host name. */
const longestHostname = 64

/** What `hostname` prints in the pod (setHostnameAsFQDN). Throws INVALID_INPUT when the kernel cannot hold it. */
export const kernelHostname = (pod: LocalPod, clusterDomain: string): string => {
  const full = pod.spec.setHostnameAsFQDN === true ? qualifiedNameOf(pod, clusterDomain) : undefined
  if (full === undefined) return hostnameOf(pod)
  if (full.length > longestHostname)
    throw new SkiffError(
      'INVALID_INPUT',
      `Failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (${longestHostname} characters is the max, ${full.length} characters requested)`,
    )
  return full
}

/** The text of a pod's /etc/hosts; `nodeHosts` is the node's own, for pods on its network. Pure. */
export const etcHosts = (pod: LocalPod, facts: { podIP: string; clusterDomain: string; nodeHosts: string }): string => {
  const hostname = hostnameOf(pod)
  const full = qualifiedNameOf(pod, facts.clusterDomain)
  const name = full === undefined ? hostname : `${full}\t${hostname}`
  const own = facts.podIP === '' ? [] : [`${facts.podIP}\t${name}`]
  const text =
    pod.spec.hostNetwork === true
      ? `# Kubernetes-managed hosts file (host network).\n${facts.nodeHosts}`
      : ['# Kubernetes-managed hosts file.', ...base, ...own, ''].join('\n')
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames }) => [ip, ...(hostnames ?? [])].join('\t'))
  return aliases.length === 0 ? text : `${text}\n# Entries added by HostAliases.\n${aliases.join('\n')}\n`
}
