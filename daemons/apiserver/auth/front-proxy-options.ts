import type { UnknownObject } from '../../../kube/object.ts'
import { type FrontProxy, parseCertificates } from './front-proxy.ts'

/** What the command line says of front proxies; PEM texts, '' for none. */
export interface FrontProxyOptions {
  requestheaderAllowedNames: readonly string[]
  requestheaderUsernameHeaders: readonly string[]
  requestheaderUidHeaders: readonly string[]
  requestheaderGroupHeaders: readonly string[]
  requestheaderExtraHeadersPrefix: readonly string[]
}

export interface Authorities {
  clientCa: string
  requestHeaderCa: string
}

const lower = (names: readonly string[]): string[] => names.map(name => name.toLowerCase())

/** Undefined where no authority is named for them. Throws SkiffError INVALID_INPUT. */
export const frontProxyOf = (
  options: FrontProxyOptions,
  { clientCa, requestHeaderCa }: Authorities,
): FrontProxy | undefined =>
  requestHeaderCa === ''
    ? undefined
    : {
        authorities: parseCertificates('requestheader-client-ca-file', requestHeaderCa),
        clientAuthorities: parseCertificates('client-ca-file', clientCa),
        allowedNames: options.requestheaderAllowedNames,
        headers: {
          username: lower(options.requestheaderUsernameHeaders),
          uid: lower(options.requestheaderUidHeaders),
          group: lower(options.requestheaderGroupHeaders),
          extraPrefix: lower(options.requestheaderExtraHeadersPrefix),
        },
      }

/** Where aggregated API servers read how this one authenticates, so that they believe the same certificates and headers. */
export const authenticationConfigMap = (
  options: FrontProxyOptions,
  { clientCa, requestHeaderCa }: Authorities,
): UnknownObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
  data: {
    'client-ca-file': clientCa,
    ...(requestHeaderCa === ''
      ? {}
      : {
          'requestheader-client-ca-file': requestHeaderCa,
          'requestheader-allowed-names': JSON.stringify(options.requestheaderAllowedNames),
          'requestheader-username-headers': JSON.stringify(options.requestheaderUsernameHeaders),
          'requestheader-uid-headers': JSON.stringify(options.requestheaderUidHeaders),
          'requestheader-group-headers': JSON.stringify(options.requestheaderGroupHeaders),
          'requestheader-extra-headers-prefix': JSON.stringify(options.requestheaderExtraHeadersPrefix),
        }),
  },
})
