import type { Container, ContainerPort, PodSpec } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { validateEnv, validateEnvFrom } from './env-validation.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, oneOf, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123LabelErrors, portNameErrors, portNumberErrors } from './name-syntax.ts'
import { validateDevices, validateMounts, type Volumes } from './mount-validation.ts'
import { validateProbes } from './probe-validation.ts'
import { validateResources } from './resource-validation.ts'
import { validateSecurityContext } from './security-validation.ts'

type Row = Draft<Container>

/** What the pod around a container says. */
export interface ContainerSurroundings {
  volumes: Volumes
  hostNetwork: boolean
  /** It shares its node's user namespace. */
  hostUsers: boolean
  restartPolicy: string | undefined
  /** How long it may take to end; undefined where the pod says nothing. */
  graceSeconds: number | undefined
}

/** What `spec` is to the containers in it. */
export const surroundingsOf = (spec: Draft<PodSpec>, volumes: Volumes): ContainerSurroundings => ({
  volumes,
  hostNetwork: spec.hostNetwork === true,
  hostUsers: spec.hostUsers !== false,
  restartPolicy: spec.restartPolicy,
  graceSeconds: spec.terminationGracePeriodSeconds,
})

const pullPolicies = ['Always', 'IfNotPresent', 'Never']
const messagePolicies = ['File', 'FallbackToLogsOnError']
const protocols = ['SCTP', 'TCP', 'UDP']
const resizable = ['cpu', 'memory']
const resizePolicies = ['NotRequired', 'RestartContainer']

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
      errors.push(invalid(`${at}.hostPort`, port.hostPort, 'must match `containerPort` when `hostNetwork` is true'))
    errors.push(...oneOf(`${at}.protocol`, port.protocol, protocols))
  }
  return errors
}

/** Upstream names the list here, not its entries, but where one stands twice. */
const validateResizePolicy = (container: Row, path: string, podRestarts: string | undefined): FieldError[] => {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { resourceName = '', restartPolicy = '' }] of (container.resizePolicy ?? []).entries()) {
    if (seen.has(resourceName)) errors.push(duplicate(`${path}[${i}]`, resourceName))
    seen.add(resourceName)
    errors.push(...oneOf(path, resourceName, resizable), ...oneOf(path, restartPolicy, resizePolicies))
    if (podRestarts === 'Never' && restartPolicy !== 'NotRequired')
      errors.push(invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
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
  errors.push(...validateMounts(container, `${path}.volumeMounts`, around.volumes))
  errors.push(...validateDevices(container, `${path}.volumeDevices`, around.volumes))
  errors.push(...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, pullPolicies))
  errors.push(...validateResources(container.resources, `${path}.resources`))
  errors.push(...validateResizePolicy(container, `${path}.resizePolicy`, around.restartPolicy))
  errors.push(...validateSecurityContext(container.securityContext, `${path}.securityContext`, around.hostUsers))
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
    errors.push(...validateProbes(container, at, around.graceSeconds))
    if (container.restartPolicy !== undefined)
      errors.push(forbidden(`${at}.restartPolicy`, 'may not be set for non-init containers'))
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
    // They run one after another, so that each has the ports to itself.
    errors.push(...validateHostPorts([container], path))
    if (container.restartPolicy === 'Always') errors.push(...validateProbes(container, at, around.graceSeconds))
    else
      for (const field of onlyForSidecars)
        if (container[field])
          errors.push(forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'))
    if (container.restartPolicy && container.restartPolicy !== 'Always')
      errors.push(notSupported(`${at}.restartPolicy`, container.restartPolicy, ['Always']))
  }
  return errors
}
