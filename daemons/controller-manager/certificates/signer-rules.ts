import type { RequestedCertificate } from './certificate-request.ts'

export const signers = {
  apiClient: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
} as const

const nodePrefix = 'system:node:'

const usagesError = (usages: readonly string[], needed: string, allowed: readonly string[]): string | undefined => {
  const all = [...allowed, needed]
  return usages.includes(needed) && usages.every(usage => all.includes(usage))
    ? undefined
    : `usages did not match [${[...allowed, needed].toSorted().join(' ')}]`
}

const nodeError = ({ commonName, organizations }: RequestedCertificate): string | undefined => {
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes')
    return 'organization in subject is not system:nodes'
  return commonName.startsWith(nodePrefix) ? undefined : 'subject common name does not begin with system:node:'
}

const kubeletClientError = (request: RequestedCertificate): string | undefined => {
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
  if (request.emailAddresses.length > 0) return 'email subjectAltNames are not allowed'
  if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed'
  return request.uris.length > 0 ? 'URI subjectAltNames are not allowed' : undefined
}

const kubeletServingError = (request: RequestedCertificate): string | undefined => {
  if (request.dnsNames.length === 0 && request.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required'
  if (request.emailAddresses.length > 0) return 'email subjectAltNames are not allowed'
  return request.uris.length > 0 ? 'URI subjectAltNames are not allowed' : undefined
}

const common = ['digital signature', 'key encipherment']

/** Why a signer of the cluster must not sign this; undefined: it may. The rules are those of upstream's documentation. */
export const signerError = (
  signer: string,
  request: RequestedCertificate,
  usages: readonly string[],
): string | undefined => {
  switch (signer) {
    case signers.apiClient:
      return usagesError(usages, 'client auth', common)
    case signers.kubeletClient:
      return nodeError(request) ?? kubeletClientError(request) ?? usagesError(usages, 'client auth', common)
    case signers.kubeletServing:
      return nodeError(request) ?? kubeletServingError(request) ?? usagesError(usages, 'server auth', common)
    default:
      return 'not a signer of the cluster'
  }
}
