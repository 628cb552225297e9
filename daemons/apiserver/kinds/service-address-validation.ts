import { isIPv4 } from 'node:net'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { ipErrors } from './name-syntax.ts'
import { needsClusterIp } from './service-update.ts'

type Spec = NonNullable<Draft<Service>['spec']>

const families = ['IPv4', 'IPv6']
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
const onceSet = 'may not change once set'

const validateFamilies = ({ ipFamilies = [], ipFamilyPolicy }: Spec): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, family] of ipFamilies.entries()) {
    if (!families.includes(family)) errors.push(notSupported(`spec.ipFamilies[${i}]`, family, families))
    if (ipFamilies.indexOf(family) < i) errors.push(duplicate(`spec.ipFamilies[${i}]`, family))
  }
  if (ipFamilyPolicy && !policies.includes(ipFamilyPolicy))
    errors.push(notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, policies))
  return errors
}

const validatePrimary = ({ clusterIP, clusterIPs = [] }: Spec): FieldError[] => {
  if (clusterIP) {
    if (clusterIPs.length === 0) return [required('spec.clusterIPs')]
    return clusterIPs[0] === clusterIP
      ? []
      : [invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`')]
  }
  return clusterIPs.length === 0
    ? []
    : [invalid('spec.clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified')]
}

const validateSyntax = (clusterIPs: readonly string[]): FieldError[] =>
  clusterIPs.flatMap((address, i) => {
    if (i > 0 || address !== 'None') return invalidEach(`spec.clusterIPs[${i}]`, address, ipErrors(address))
    return clusterIPs.length > 1
      ? [invalid('spec.clusterIPs', clusterIPs, "'None' must be the first and only value")]
      : []
  })

/** Addresses, families and policy of a Service that has them, as they fit together. */
export const validateClusterIps = (spec: Spec): FieldError[] => {
  const { clusterIPs = [], ipFamilies = [] } = spec
  const malformed = validateSyntax(clusterIPs)
  const errors = [...validatePrimary(spec), ...validateFamilies(spec), ...malformed]
  if (clusterIPs.length > 2) errors.push(invalid('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values'))
  // What is no address cannot be of the wrong family.
  if (malformed.length > 0) return errors
  if (clusterIPs.length > 1 && (clusterIPs.length > 2 || isIPv4(clusterIPs[0] ?? '') === isIPv4(clusterIPs[1] ?? '')))
    errors.push(invalid('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family'))
  if (errors.length > 0 || spec.clusterIP === 'None') return errors
  return clusterIPs.flatMap((address, i) => {
    const family = ipFamilies[i]
    if (family === undefined || isIPv4(address) === (family === 'IPv4')) return []
    return [
      invalid(`spec.clusterIPs[${i}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``),
    ]
  })
}

export const validateAddresses = (spec: Spec): FieldError[] => {
  if (needsClusterIp(spec)) return validateClusterIps(spec)
  const given: [string, boolean][] = [
    ['clusterIP', Boolean(spec.clusterIP)],
    ['clusterIPs', (spec.clusterIPs ?? []).length > 0],
    ['ipFamilies', (spec.ipFamilies ?? []).length > 0],
    ['ipFamilyPolicy', Boolean(spec.ipFamilyPolicy)],
  ]
  return given
    .filter(([, there]) => there)
    .map(([field]) => forbidden(`spec.${field}`, 'may not be set for ExternalName services'))
}

/** The first stays for ever; the second comes and goes, but only with the policy that says so. */
const validateList = (
  { field, what, policy }: { field: string; what: string; policy: string | undefined },
  is: readonly string[],
  was: readonly string[],
): FieldError[] => {
  const path = (i: number) => `spec.${field}[${i}]`
  if (is.length === was.length)
    return was.flatMap((value, i) =>
      value === is[i] ? [] : [invalid(path(field === 'ipFamilies' ? 0 : i), is, onceSet)],
    )
  const errors: FieldError[] = []
  if (is.length === 0) errors.push(invalid(path(0), is, `primary ${what} can not be unset`))
  else if (was.length > 0 && is[0] !== was[0]) errors.push(invalid(path(0), is, onceSet))
  if (is.length === 1 && was.length > 1 && policy !== 'SingleStack')
    errors.push(
      invalid('spec.ipFamilyPolicy', policy, `must be set to 'SingleStack' when releasing the secondary ${what}`),
    )
  return errors
}

/** What may become of the addresses and families in an update. */
export const validateAddressUpdate = (spec: Spec, before: Spec): FieldError[] => {
  if (!needsClusterIp(spec) || !needsClusterIp(before)) return []
  const [is, was] = [spec.clusterIP === 'None', before.clusterIP === 'None']
  if (is && was) return []
  const policy = spec.ipFamilyPolicy
  return [
    ...validateList({ field: 'clusterIPs', what: 'clusterIP', policy }, spec.clusterIPs ?? [], before.clusterIPs ?? []),
    ...(is === was
      ? validateList({ field: 'ipFamilies', what: 'ipFamily', policy }, spec.ipFamilies ?? [], before.ipFamilies ?? [])
      : []),
  ]
}
