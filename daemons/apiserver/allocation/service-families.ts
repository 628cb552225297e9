import { isIPv4 } from 'node:net'
import type { Service } from 'kubernetes-types/core/v1.js'
import { equalJson } from '../../../kube/patch/json-value.ts'
import type { Draft } from '../kinds/draft.ts'
import { invalid } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { validateClusterIps } from '../kinds/service-address-validation.ts'
import type { IpFamily } from './service-range.ts'

type Spec = NonNullable<Draft<Service>['spec']>

const otherFamily = (family: string | undefined): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4')

const same = (a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean =>
  equalJson(a ?? [], b ?? [])

/** A Service that takes what it can get is left as it is when the cluster got a second family, or lost it. */
export const isSettled = (spec: Spec, before: Spec | undefined): boolean =>
  before !== undefined &&
  spec.ipFamilyPolicy === 'PreferDualStack' &&
  before.ipFamilyPolicy === 'PreferDualStack' &&
  same(spec.clusterIPs, before.clusterIPs) &&
  same(spec.ipFamilies, before.ipFamilies)

const isSelectorless = (spec: Spec): boolean =>
  spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0

/** Single stack asks for one address, the others never give one back without a word. */
const settleUpdate = (spec: Spec, before: Spec): FieldError[] => {
  const policy = spec.ipFamilyPolicy
  const [addresses, families] = [spec.clusterIPs ?? [], spec.ipFamilies ?? []]
  if (policy === 'SingleStack') {
    if (same(addresses, before.clusterIPs) && addresses.length > 1) spec.clusterIPs = addresses.slice(0, 1)
    if (same(families, before.ipFamilies) && families.length > 1) spec.ipFamilies = families.slice(0, 1)
    return []
  }
  const reduced = (now: readonly unknown[], was: readonly unknown[] | undefined) =>
    now.length > 0 && now.length < (was?.length ?? 0)
  const refuse = (what: string) =>
    invalid('spec.ipFamilyPolicy', policy, `must be 'SingleStack' to release the secondary ${what}`)
  return [
    ...(reduced(addresses, before.clusterIPs) ? [refuse('cluster IP')] : []),
    ...(reduced(families, before.ipFamilies) ? [refuse('IP family')] : []),
  ]
}

const checkPolicy = ({ ipFamilyPolicy, clusterIPs = [], ipFamilies = [] }: Spec): FieldError[] => {
  if (ipFamilyPolicy !== 'SingleStack') return []
  const refuse = (what: string) =>
    invalid(
      'spec.ipFamilyPolicy',
      ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    )
  return [
    ...(clusterIPs.length === 2 ? [refuse('cluster IPs')] : []),
    ...(ipFamilies.length === 2 ? [refuse('IP families')] : []),
  ]
}

/** Addresses that were asked for name their families. */
const inferFamilies = (spec: Spec, cluster: readonly IpFamily[]): FieldError[] => {
  const errors: FieldError[] = []
  const addresses = spec.clusterIPs ?? []
  for (const [i, address] of addresses.entries()) {
    if (address === 'None') break
    if (i < (spec.ipFamilies?.length ?? 0)) continue
    const family = isIPv4(address) ? 'IPv4' : 'IPv6'
    if (cluster.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    else errors.push(invalid(`spec.clusterIPs[${i}]`, addresses, `${family} is not configured on this cluster`))
  }
  return errors
}

const defaultPolicy = (spec: Spec, before: Spec | undefined): string =>
  before?.ipFamilyPolicy || (isSelectorless(spec) ? 'RequireDualStack' : 'SingleStack')

/**
 * Fills in ipFamilyPolicy and ipFamilies, in place, as upstream's allocator does before it gives out addresses.
 * `cluster`: the families it has, the default one first.
 */
export const initFamilies = (
  spec: Spec,
  before: Spec | undefined,
  cluster: readonly [IpFamily, ...IpFamily[]],
): FieldError[] => {
  if (spec.type === 'ExternalName' || isSettled(spec, before)) return []
  spec.ipFamilyPolicy ||= defaultPolicy(spec, before)
  const malformed = validateClusterIps(spec)
  if (malformed.length > 0) return malformed
  const errors = [
    ...(before === undefined ? [] : settleUpdate(spec, before)),
    ...checkPolicy(spec),
    ...inferFamilies(spec, cluster),
  ]
  if (errors.length > 0) return errors
  const families = (): string[] => (spec.ipFamilies ??= [])
  // Whoever fills in its endpoints by hand may name families that the cluster has no Services of.
  const free = isSelectorless(spec)
  if (!free) errors.push(...checkCluster(spec, cluster))
  if (errors.length > 0) return errors
  if (families().length === 0) spec.ipFamilies = [cluster[0]]
  if (spec.ipFamilyPolicy !== 'SingleStack' && families().length === 1 && (free || cluster.length === 2))
    spec.ipFamilies = [...families(), otherFamily(families()[0])]
  return []
}

const checkCluster = ({ ipFamilyPolicy, ipFamilies = [] }: Spec, cluster: readonly IpFamily[]): FieldError[] => [
  ...(ipFamilyPolicy === 'RequireDualStack' && cluster.length < 2
    ? [invalid('spec.ipFamilyPolicy', ipFamilyPolicy, 'this cluster is not configured for dual-stack services')]
    : []),
  ...ipFamilies.flatMap((family, i) =>
    cluster.some(known => known === family)
      ? []
      : [invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster')],
  ),
]
