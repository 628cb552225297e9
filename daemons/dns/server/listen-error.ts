import { messageOf, SkiffError } from '../../../kube/errors.ts'

/** Why an address could not be listened on, with what to do. */
export const listenError = (protocol: string, address: string, cause: unknown): SkiffError => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  if (code === 'EADDRINUSE')
    return new SkiffError('HOST_UNFIT', `${protocol} ${address} is taken by another program`, {
      cause,
      remedy: `see who listens with: ss -lnup; ss -lntp. Give the DNS daemon an address of its own with --bind`,
    })
  if (code === 'EACCES')
    return new SkiffError('PERMISSION_DENIED', `${protocol} ${address}: ports below 1024 need root`, { cause })
  if (code === 'EADDRNOTAVAIL')
    return new SkiffError('HOST_UNFIT', `${protocol} ${address}: no link of this machine has that address`, { cause })
  return new SkiffError('UNAVAILABLE', `${protocol} ${address}: ${messageOf(cause)}`, { cause })
}
