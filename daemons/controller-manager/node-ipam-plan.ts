import type { Node } from 'kubernetes-types/core/v1.js'
import { isIPv4 } from 'node:net'
import { SkiffError } from '../../kube/errors.ts'

export interface CidrPool {
  base: number
  /** Length of the cluster's prefix and of a node's. */
  bits: number
  nodeBits: number
}

const toNumber = (address: string): number =>
  address.split('.').reduce((number, part) => number * 256 + Number(part), 0)

const toText = (number: number): string => [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256).join('.')

/** `10.244.0.0/16` cut into pieces of `/nodeBits`. Throws SkiffError INVALID_INPUT, or NOT_IMPLEMENTED for IPv6. */
export const parsePool = (clusterCidr: string, nodeBits: number): CidrPool => {
  const [address = '', bitsText = ''] = clusterCidr.split('/')
  if (clusterCidr.includes(':'))
    throw new SkiffError('NOT_IMPLEMENTED', `--cluster-cidr ${clusterCidr}: IPv6 ranges are not allocated`)
  const bits = Number(bitsText)
  if (!isIPv4(address) || !/^\d+$/.test(bitsText) || bits > 32)
    throw new SkiffError('INVALID_INPUT', `--cluster-cidr ${clusterCidr} is not an IPv4 range`, {
      remedy: 'write it as 10.244.0.0/16',
    })
  // Upstream's limit too: more than 2^16 pieces would be a mistake, and a list of that size.
  if (nodeBits < bits || nodeBits > 32 || nodeBits - bits > 16)
    throw new SkiffError(
      'INVALID_INPUT',
      `--node-cidr-mask-size ${nodeBits} does not fit --cluster-cidr ${clusterCidr}`,
    )
  const size = 2 ** (32 - bits)
  return { base: Math.floor(toNumber(address) / size) * size, bits, nodeBits }
}

/** Every piece of the pool that a node's range touches. */
const piecesOf = (pool: CidrPool, cidr: string): number[] => {
  const [address = '', bits = ''] = cidr.split('/')
  if (!isIPv4(address)) return []
  const piece = 2 ** (32 - pool.nodeBits)
  const first = Math.floor((toNumber(address) - pool.base) / piece)
  const count = Math.max(1, 2 ** (pool.nodeBits - Number(bits)))
  const total = 2 ** (pool.nodeBits - pool.bits)
  return Array.from({ length: Math.min(count, total) }, (_, i) => first + i).filter(i => i >= 0 && i < total)
}

export const rangesOf = (node: Node): readonly string[] =>
  node.spec?.podCIDRs ?? (node.spec?.podCIDR === undefined || node.spec.podCIDR === '' ? [] : [node.spec.podCIDR])

/** The lowest range that no node has; undefined when the pool is used up. */
export const nextRange = (pool: CidrPool, used: readonly string[]): string | undefined => {
  const taken = new Set(used.flatMap(cidr => piecesOf(pool, cidr)))
  const total = 2 ** (pool.nodeBits - pool.bits)
  for (let i = 0; i < total; i++)
    if (!taken.has(i)) return `${toText(pool.base + i * 2 ** (32 - pool.nodeBits))}/${pool.nodeBits}`
  return undefined
}
