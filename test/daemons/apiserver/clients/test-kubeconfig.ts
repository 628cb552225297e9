import type { Authority, Pem } from '../http/test-certificates.ts'

/** A kubeconfig for a test server, with everything in it. */
export const kubeconfig = (url: string, authority: Pick<Authority, 'cert'>, user: Pem): string => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': base64(authority.cert) } }],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': base64(user.cert), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin', namespace: 'default' } }],
    'current-context': 'test',
  })
}
