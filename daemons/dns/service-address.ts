import { isIP } from 'node:net'
import type { Journal } from '../../host/journal.ts'
import type { Links } from '../../host/netlink/links.ts'
import { SkiffError } from '../../kube/errors.ts'

/**
 * Adds the address to `lo`, so that every process of this node, pods included, reaches the daemon by it. Returns what
 * takes it away again, unless it was there already: then another start added it, and the journal knows of it.
 */
export const addServiceAddress = async (
  address: string,
  links: Links,
  journal: Journal,
): Promise<() => Promise<void>> => {
  if (isIP(address) === 0)
    throw new SkiffError('INVALID_INPUT', `--service-address: ${JSON.stringify(address)} is not an IP address`)
  const lo = (await links.list()).find(link => link.name === 'lo')
  if (lo === undefined) throw new SkiffError('HOST_UNFIT', 'this network namespace has no lo')
  const withPrefix = `${address}/${isIP(address) === 4 ? 32 : 128}`
  const wanted = { link: lo.index, address: withPrefix }
  const there = (await links.addresses()).some(entry => entry.link === lo.index && entry.address === withPrefix)
  // Recorded in any case: an address left over from a start that was killed is ours to undo.
  journal.record({ kind: 'address', link: 'lo', address: withPrefix })
  if (!lo.up) await links.change(lo.index, { up: true })
  if (there) return async () => {}
  await links.changeAddress('add', wanted)
  return async () => {
    try {
      await links.changeAddress('remove', wanted)
    } catch (error) {
      if (!(error instanceof SkiffError && error.code === 'NOT_FOUND')) throw error
    }
  }
}
