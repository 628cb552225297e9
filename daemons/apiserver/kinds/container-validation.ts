import type { Container, ContainerPort, SecurityContext, VolumeMount } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { validateEnv, validateEnvFrom } from './env-validation.ts'
import { duplicate, forbidden, invalid, invalidEach, notFound, notSupported, oneOf, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123LabelErrors, portNameErrors, portNumberErrors } from './name-syntax.ts'
import { validateProbes } from './probe-validation.ts'
import { validateResources } from './resource-validation.ts'
import { validateLocalPath } from './volume-validation.ts'

type Row = Draft<Container>

/** What the pod around a container says. */
export interface ContainerSurroundings {
  volumeNames: ReadonlySet<string>
  hostNetwork: boolean
}

const pullPolicies = ['Always', 'IfNotPresent', 'Never']
const messagePolicies = ['FallbackToLogsOnError', 'File']
const protocols = ['SCTP', 'TCP', 'UDP']
const maxId = 2_147_483_647

const validatePorts = (ports: readonly Draft<ContainerPort>[], path: string, hostNetwork: boolean): FieldError[] => {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, port] of ports.entries()) {
    const at = `${path}[${i}]`
    if (port.name) {
      const wrong = invalidEach(`${at}.name`, port.name, portNameErrors(port.name))
      if (wrong.length > 0) errors.push(...wrong)
      else if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name))
      names.add(port.name)
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`))
    else errors.push(...invalidEach(`${at}.containerPort`, port.containerPort, portNumberErrors(port.containerPort)))
    if (port.hostPort) errors.push(...invalidEach(`${at}.hostPort`, port.hostPort, portNumberErrors(port.hostPort)))
    if (hostNetwork && port.hostPort && port.hostPort !== port.containerPort)
      errors.push(
        invalid(`${at}.containerPort`, port.containerPort, 'must match `hostPort` when `hostNetwork` is true'),
      )
    errors.push(...oneOf(`${at}.protocol`, port.protocol, protocols))
  }
  return errors
}

const validateMounts = (
  mounts: readonly Draft<VolumeMount>[],
  path: string,
  volumeNames: ReadonlySet<string>,
): FieldError[] => {
  const errors: FieldError[] = []
  const paths = new Set<string>()
  for (const [i, mount] of mounts.entries()) {
    const at = `${path}[${i}]`
    if (!mount.name) errors.push(required(`${at}.name`))
    else if (!volumeNames.has(mount.name)) errors.push(notFound(`${at}.name`, mount.name))
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`))
    else if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'))
    paths.add(mount.mountPath ?? '')
    if (mount.subPath) errors.push(...validateLocalPath(mount.subPath, `${at}.subPath`))
    if (mount.subPathExpr) {
      if (mount.subPath)
        errors.push(invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
      errors.push(...validateLocalPath(mount.subPathExpr, `${at}.subPathExpr`))
    }
    const modes = ['Bidirectional', 'HostToContainer', 'None']
    if (mount.mountPropagation && !modes.includes(mount.mountPropagation))
      errors.push(notSupported(`${at}.mountPropagation`, mount.mountPropagation, modes))
  }
  return errors
}

export const validateId = (id: number | undefined, path: string): FieldError[] =>
  id !== undefined && id !== null && (id < 0 || id > maxId)
    ? [invalid(path, id, `must be between 0 and ${maxId}, inclusive`)]
    : []

const validateSecurity = (context: Draft<SecurityContext> | undefined, path: string): FieldError[] => {
  if (!context) return []
  const errors = [
    ...validateId(context.runAsUser, `${path}.runAsUser`),
    ...validateId(context.runAsGroup, `${path}.runAsGroup`),
  ]
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true)
      errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'))
    if ((context.capabilities?.add ?? []).includes('CAP_SYS_ADMIN'))
      errors.push(
        invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'),
      )
  }
  return errors
}

/** What holds for containers of every sort; the name's uniqueness is the caller's matter. */
export const validateContainer = (container: Row, path: string, around: ContainerSurroundings): FieldError[] => {
  const errors: FieldError[] = []
  if (!container.name) errors.push(required(`${path}.name`))
  else errors.push(...invalidEach(`${path}.name`, container.name, dns1123LabelErrors(container.name)))
  if (!container.image) errors.push(required(`${path}.image`))
  else if (container.image !== container.image.trim())
    errors.push(invalid(`${path}.image`, container.image, 'must not have leading or trailing whitespace'))
  errors.push(...oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, messagePolicies))
  if (container.ports) errors.push(...validatePorts(container.ports, `${path}.ports`, around.hostNetwork))
  errors.push(...validateEnv(container.env, `${path}.env`))
  errors.push(...validateEnvFrom(container.envFrom, `${path}.envFrom`))
  if (container.volumeMounts)
    errors.push(...validateMounts(container.volumeMounts, `${path}.volumeMounts`, around.volumeNames))
  errors.push(...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, pullPolicies))
  errors.push(...validateResources(container.resources, `${path}.resources`))
  errors.push(...validateSecurity(container.securityContext, `${path}.securityContext`))
  return errors
}

const validateHostPorts = (containers: readonly Row[], path: string): FieldError[] => {
  const errors: FieldError[] = []
  const taken = new Set<string>()
  for (const [i, container] of containers.entries())
    for (const [j, { hostPort, hostIP = '', protocol }] of (container.ports ?? []).entries()) {
      if (!hostPort) continue
      const key = `${protocol}/${hostIP}/${hostPort}`
      if (taken.has(key)) errors.push(duplicate(`${path}[${i}].ports[${j}].hostPort`, key))
      taken.add(key)
    }
  return errors
}

export const validateContainers = (
  containers: readonly Row[] | undefined,
  path: string,
  around: ContainerSurroundings,
): FieldError[] => {
  if (!containers?.length) return [required(path)]
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, container] of containers.entries()) {
    const at = `${path}[${i}]`
    errors.push(...validateContainer(container, at, around))
    if (container.name && names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name))
    names.add(container.name ?? '')
    errors.push(...validateProbes(container, at))
    if (container.restartPolicy) errors.push(forbidden(`${at}.restartPolicy`, 'may not be set for non-init containers'))
  }
  return [...errors, ...validateHostPorts(containers, path)]
}

const onlyForSidecars = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

export const validateInitContainers = (
  containers: readonly Row[] | undefined,
  regular: readonly Row[] | undefined,
  path: string,
  around: ContainerSurroundings,
): FieldError[] => {
  const errors: FieldError[] = []
  const names = new Set((regular ?? []).map(c => c.name ?? ''))
  for (const [i, container] of (containers ?? []).entries()) {
    const at = `${path}[${i}]`
    errors.push(...validateContainer(container, at, around))
    if (container.name && names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name))
    names.add(container.name ?? '')
    if (container.restartPolicy === 'Always') errors.push(...validateProbes(container, at))
    else
      for (const field of onlyForSidecars)
        if (container[field])
          errors.push(forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'))
    if (container.restartPolicy && container.restartPolicy !== 'Always')
      errors.push(notSupported(`${at}.restartPolicy`, container.restartPolicy, ['Always']))
  }
  return errors
}
