import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, invalid, notSupported, required, tooLong } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateLocalPath } from './local-path.ts'

const maxId = 2_147_483_647
const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']
const procMounts = ['Default', 'Unmasked']
const groupChangePolicies = ['Always', 'OnRootMismatch']
const maxProfileBytes = 4095
const sysctlPattern = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/
const shownSysctlPattern = String.raw`^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`

/** Of a user or a group. */
export const validateId = (id: number | undefined, path: string): FieldError[] =>
  id !== undefined && id !== null && (id < 0 || id > maxId)
    ? [invalid(path, id, `must be between 0 and ${maxId}, inclusive`)]
    : []

const validateSeccomp = (profile: Draft<SeccompProfile> | undefined, path: string): FieldError[] => {
  if (!profile) return []
  const { type, localhostProfile: file } = profile
  const errors: FieldError[] = []
  if (!type) errors.push(required(`${path}.type`, 'type is required when seccompProfile is set'))
  else if (!profileTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, profileTypes))
  const at = `${path}.localhostProfile`
  if (type === 'Localhost') {
    if (file === undefined) errors.push(required(at, 'must be set when seccomp type is Localhost'))
    else errors.push(...validateLocalPath(file, at))
  } else if (file !== undefined) errors.push(invalid(at, profile, 'can only be set when seccomp type is Localhost'))
  return errors
}

const validateAppArmor = (profile: Draft<AppArmorProfile> | undefined, path: string): FieldError[] => {
  if (!profile) return []
  const { type, localhostProfile: name } = profile
  const at = `${path}.localhostProfile`
  if (!type) return [required(`${path}.type`, 'type is required when appArmorProfile is set')]
  if (!profileTypes.includes(type)) return [notSupported(`${path}.type`, type, profileTypes)]
  if (type !== 'Localhost')
    return name === undefined ? [] : [invalid(at, name, 'can only be set when AppArmor type is Localhost')]
  if (name === undefined) return [required(at, 'must be set when AppArmor type is Localhost')]
  const errors: FieldError[] = []
  if (name.trim() !== name) errors.push(invalid(at, name, 'must not be padded with whitespace'))
  else if (name === '') errors.push(required(at, 'must be set when AppArmor type is Localhost'))
  if (name.length > maxProfileBytes) errors.push(tooLong(at, maxProfileBytes))
  return errors
}

/** What a container may be. `hostUsers`: it shares the host's user namespace. */
export const validateSecurityContext = (
  context: Draft<SecurityContext> | undefined,
  path: string,
  hostUsers: boolean,
): FieldError[] => {
  if (!context) return []
  const errors = [
    ...validateId(context.runAsUser, `${path}.runAsUser`),
    ...validateId(context.runAsGroup, `${path}.runAsGroup`),
  ]
  const { procMount } = context
  if (procMount !== undefined) {
    if (!procMounts.includes(procMount)) errors.push(notSupported(`${path}.procMount`, procMount, procMounts))
    if (hostUsers && procMount === 'Unmasked')
      errors.push(invalid(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  errors.push(...validateSeccomp(context.seccompProfile, `${path}.seccompProfile`))
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true)
      errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'))
    if ((context.capabilities?.add ?? []).includes('CAP_SYS_ADMIN'))
      errors.push(
        invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'),
      )
  }
  return [...errors, ...validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`)]
}

/** Sysctls of a namespace that the pod shares with its node would be the node's. */
const hostSysctlErrors = (name: string, spec: Draft<PodSpec>, path: string): FieldError[] => {
  if (spec.hostNetwork === true && name.startsWith('net.'))
    return [invalid(path, name, "may not be specified when 'hostNetwork' is true")]
  if (spec.hostIPC === true && /^(kernel\.(sem$|shm|msg)|fs\.mqueue\.)/.test(name))
    return [invalid(path, name, "may not be specified when 'hostIPC' is true")]
  return []
}

const validateSysctls = (spec: Draft<PodSpec>, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, { name = '' }] of (spec.securityContext?.sysctls ?? []).entries()) {
    const at = `${path}[${i}].name`
    if (name === '') errors.push(required(at))
    else if (name.length > 253 || !sysctlPattern.test(name))
      errors.push(invalid(at, name, `must have at most 253 characters and match regex ${shownSysctlPattern}`))
    else {
      if (names.has(name)) errors.push(duplicate(at, name))
      errors.push(...hostSysctlErrors(name.replaceAll('/', '.'), spec, at))
    }
    names.add(name)
  }
  return errors
}

const validateHostUsers = (spec: Draft<PodSpec>, path: string): FieldError[] => {
  if (spec.hostUsers !== false) return []
  const why = 'when `pod.Spec.HostUsers` is false'
  const errors: FieldError[] = []
  if (spec.hostNetwork === true) errors.push(forbidden(`${path}.hostNetwork`, why))
  // Upstream names these two by their Go names.
  if (spec.hostPID === true) errors.push(forbidden(`${path}.HostPID`, why))
  if (spec.hostIPC === true) errors.push(forbidden(`${path}.HostIPC`, why))
  return errors
}

/** What a pod may be: its security context and what it shares with its node. */
export const validatePodSecurity = (spec: Draft<PodSpec>, path: string): FieldError[] => {
  const at = `${path}.securityContext`
  const errors: FieldError[] = []
  const context = spec.securityContext ?? {}
  errors.push(...validateId(context.fsGroup, `${at}.fsGroup`))
  errors.push(...validateId(context.runAsUser, `${at}.runAsUser`))
  errors.push(...validateId(context.runAsGroup, `${at}.runAsGroup`))
  for (const [i, group] of (context.supplementalGroups ?? []).entries())
    errors.push(...validateId(group, `${at}.supplementalGroups[${i}]`))
  // The three that upstream keeps in its internal security context are named there.
  if (spec.shareProcessNamespace === true && spec.hostPID === true)
    errors.push(
      invalid(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    )
  errors.push(...validateSysctls(spec, `${at}.sysctls`))
  const change = context.fsGroupChangePolicy
  if (change !== undefined && !groupChangePolicies.includes(change))
    errors.push(notSupported(`${at}.fsGroupChangePolicy`, change, groupChangePolicies))
  errors.push(...validateSeccomp(context.seccompProfile, `${at}.seccompProfile`))
  errors.push(...validateAppArmor(context.appArmorProfile, `${at}.appArmorProfile`))
  return [...errors, ...validateHostUsers(spec, path)]
}
