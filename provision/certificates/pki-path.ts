import { join } from 'node:path'

/** A certificate of `skiff up`, or its key. In a file of its own: daemons that only read need nothing that writes. */
export const pkiPath = (dataDir: string, name: string, kind: 'crt' | 'key'): string =>
  join(dataDir, 'pki', `${name}.${kind}`)

export const kubeconfigPath = (dataDir: string, name: string): string =>
  join(dataDir, 'kubeconfigs', `${name}.kubeconfig`)
