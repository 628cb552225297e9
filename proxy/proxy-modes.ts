import { SkiffError } from '../kube/errors.ts'

export interface ProxyMode {
  readonly name: string
  readonly built: boolean
  readonly summary: string
}

/** The modes upstream's kube-proxy has on Linux; '' means the default. */
export const proxyModes: readonly ProxyMode[] = [
  { name: 'iptables', built: true, summary: 'one chain a Service and one an endpoint, by iptables-restore' },
  { name: 'nftables', built: false, summary: 'verdict maps in one nftables table' },
  { name: 'ipvs', built: false, summary: "the kernel's load balancer, with ipset for its exceptions" },
]

/** The row of a mode; NOT_IMPLEMENTED for one that is not built, INVALID_INPUT for a word that names none. */
export const proxyMode = (name: string): ProxyMode => {
  const mode = proxyModes.find(row => row.name === (name === '' ? 'iptables' : name))
  if (mode === undefined)
    throw new SkiffError('INVALID_INPUT', `--proxy-mode: there is no mode ${JSON.stringify(name)}`, {
      remedy: `modes: ${proxyModes.map(row => row.name).join(', ')}`,
    })
  if (!mode.built)
    throw new SkiffError('NOT_IMPLEMENTED', `proxy mode ${mode.name} is not built`, {
      remedy: 'use --proxy-mode iptables',
    })
  return mode
}
