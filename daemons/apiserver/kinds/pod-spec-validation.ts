import type { PodSpec } from 'kubernetes-types/core/v1.js'
import { surroundingsOf, validateContainers, validateInitContainers } from './container-validation.ts'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, oneOf, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateLabels } from './metadata-validation.ts'
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  ipErrors,
  qualifiedNameErrors,
  underscoreSubdomainErrors,
} from './name-syntax.ts'
import { validateQuantity } from './resource-validation.ts'
import { validateAffinity, validateSpreading, validateTolerations } from './scheduling-validation.ts'
import { validatePodSecurity } from './security-validation.ts'
import { validateVolumes } from './volume-validation.ts'

type Spec = Draft<PodSpec>

const restartPolicies = ['Always', 'OnFailure', 'Never']
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const preemptionPolicies = ['PreemptLowerPriority', 'Never']
const maxDeadline = 2_147_483_647
const maxNameservers = 3
const maxSearches = 32
const maxSearchLength = 2048

const validateSearches = (searches: readonly string[], path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (searches.length > maxSearches)
    errors.push(invalid(path, searches, `must not have more than ${maxSearches} search paths`))
  if (searches.join(' ').length > maxSearchLength)
    errors.push(
      invalid(
        path,
        searches,
        `must not have more than ${maxSearchLength} characters (including spaces) in the search list`,
      ),
    )
  for (const [i, search] of searches.entries()) {
    // A single dot is the root: names are looked up as they are.
    const name = search.replace(/\.$/, '')
    if (search !== '.') errors.push(...invalidEach(`${path}[${i}]`, name, underscoreSubdomainErrors(name)))
  }
  return errors
}

const validateDns = (spec: Spec, path: string): FieldError[] => {
  const errors = oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies)
  const { nameservers } = spec.dnsConfig ?? {}
  const at = `${path}.dnsConfig.nameservers`
  if (spec.dnsPolicy === 'None') {
    if (!spec.dnsConfig) errors.push(required(`${path}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None'))
    else if (!nameservers?.length)
      errors.push(required(at, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
  }
  if ((nameservers ?? []).length > maxNameservers)
    errors.push(invalid(at, nameservers, `must not have more than ${maxNameservers} nameservers`))
  errors.push(...validateSearches(spec.dnsConfig?.searches ?? [], `${path}.dnsConfig.searches`))
  for (const [i, server] of (nameservers ?? []).entries())
    errors.push(...invalidEach(`${at}[${i}]`, server, ipErrors(server)))
  for (const [i, option] of (spec.dnsConfig?.options ?? []).entries())
    if (!option.name) errors.push(required(`${path}.dnsConfig.options[${i}]`, 'must not be empty'))
  return errors
}

const validateNames = (spec: Spec, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const check = (
    field: 'hostname' | 'subdomain' | 'serviceAccountName' | 'nodeName' | 'runtimeClassName',
    rule: (text: string) => string[],
  ): void => {
    const text = spec[field]
    if (text) errors.push(...invalidEach(`${path}.${field}`, text, rule(text)))
  }
  check('serviceAccountName', dns1123SubdomainErrors)
  check('nodeName', dns1123SubdomainErrors)
  check('hostname', dns1123LabelErrors)
  check('subdomain', dns1123LabelErrors)
  check('runtimeClassName', dns1123SubdomainErrors)
  if (spec.priorityClassName)
    errors.push(
      ...invalidEach(
        `${path}.priorityClassName`,
        spec.priorityClassName,
        dns1123SubdomainErrors(spec.priorityClassName),
      ),
    )
  return errors
}

const validateLists = (spec: Spec, path: string): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, alias] of (spec.hostAliases ?? []).entries()) {
    errors.push(...invalidEach(`${path}.hostAliases[${i}].ip`, alias.ip ?? '', ipErrors(alias.ip ?? '')))
    for (const [j, name] of (alias.hostnames ?? []).entries())
      errors.push(...invalidEach(`${path}.hostAliases[${i}].hostnames[${j}]`, name, dns1123SubdomainErrors(name)))
  }
  for (const [i, { conditionType = '' }] of (spec.readinessGates ?? []).entries())
    errors.push(
      ...invalidEach(`${path}.readinessGates[${i}].conditionType`, conditionType, qualifiedNameErrors(conditionType)),
    )
  const gates = new Set<string>()
  for (const [i, { name = '' }] of (spec.schedulingGates ?? []).entries()) {
    errors.push(...invalidEach(`${path}.schedulingGates[${i}]`, name, qualifiedNameErrors(name)))
    if (gates.has(name)) errors.push(duplicate(`${path}.schedulingGates[${i}]`, name))
    gates.add(name)
  }
  for (const name in spec.overhead)
    errors.push(...validateQuantity(spec.overhead[name] ?? '', `${path}.overhead[${name}]`))
  return errors
}

/** What holds for the spec of a pod, whether it stands alone or in a template at `path`. */
export const validatePodSpec = (spec: Spec, path: string): FieldError[] => {
  const { errors, byName } = validateVolumes(spec.volumes, `${path}.volumes`)
  const around = surroundingsOf(spec, byName)
  errors.push(...validateContainers(spec.containers, `${path}.containers`, around))
  errors.push(...validateInitContainers(spec.initContainers, spec.containers, `${path}.initContainers`, around))
  errors.push(...oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies))
  errors.push(...validateDns(spec, path))
  errors.push(...validateLabels(spec.nodeSelector, `${path}.nodeSelector`))
  errors.push(...validatePodSecurity(spec, path))
  errors.push(...validateNames(spec, path))
  errors.push(...validateTolerations(spec.tolerations, `${path}.tolerations`))
  errors.push(...validateAffinity(spec.affinity, `${path}.affinity`))
  errors.push(...validateSpreading(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`))
  errors.push(...validateLists(spec, path))
  const deadline = spec.activeDeadlineSeconds
  if (deadline !== undefined && deadline !== null && (deadline < 1 || deadline > maxDeadline))
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, `must be between 1 and ${maxDeadline}, inclusive`))
  if (spec.preemptionPolicy && !preemptionPolicies.includes(spec.preemptionPolicy))
    errors.push(notSupported(`${path}.preemptionPolicy`, spec.preemptionPolicy, preemptionPolicies))
  if (spec.os && !['linux', 'windows'].includes(spec.os.name ?? ''))
    errors.push(
      spec.os.name ? notSupported(`${path}.os.name`, spec.os.name, ['linux', 'windows']) : required(`${path}.os.name`),
    )
  return errors
}

/** Debug containers come through their own subresource, to a pod that runs. */
export const validateNoEphemeral = (spec: Spec): FieldError[] =>
  spec.ephemeralContainers?.length ? [forbidden('spec.ephemeralContainers', 'cannot be set on create')] : []
