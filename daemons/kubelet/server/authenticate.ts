import type { PeerCertificate, TLSSocket } from 'node:tls'

/** Who the client certificate says the caller is. */
export interface Caller {
  name: string
  groups: readonly string[]
}

/** Common name and organizations of a verified certificate; undefined without one. */
export const callerOf = (socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>): Caller | undefined => {
  if (!socket.authorized) return undefined
  const certificate: PeerCertificate | undefined = socket.getPeerCertificate()
  const subject = certificate?.subject as { CN?: string | string[]; O?: string | string[] } | undefined
  const name = [subject?.CN ?? []].flat()[0]
  return name === undefined ? undefined : { name, groups: [subject?.O ?? []].flat() }
}

/** The API server's identity, or one on the list, may use the kubelet's API. */
export const mayUse = (caller: Caller, allowed: readonly string[]): boolean =>
  caller.groups.includes('system:masters') || allowed.includes(caller.name)
