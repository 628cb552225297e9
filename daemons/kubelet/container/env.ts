import type { ConfigMap, Container, EnvVar, Secret } from 'kubernetes-types/core/v1.js'
import { SkiffError } from '../../../kube/errors.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { fieldValue, resourceValue, type DownwardFacts } from './downward.ts'
import { expand } from './expand.ts'

/** Reads what env may refer to; undefined when there is none. */
export interface ConfigSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
}

export interface EnvInput {
  pod: LocalPod
  container: Container
  facts: DownwardFacts
  serviceEnv: ReadonlyMap<string, string>
  source: ConfigSource
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')

const missing = (kind: string, name: string, key?: string) =>
  new SkiffError('NOT_FOUND', key === undefined ? `${kind} "${name}" not found` : `couldn't find key ${key} in ${kind}`)

const fromRef = async (
  input: EnvInput,
  env: EnvVar & { valueFrom: NonNullable<EnvVar['valueFrom']> },
): Promise<string | undefined> => {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = env.valueFrom
  const { pod, container, facts, source } = input
  if (fieldRef !== undefined) return fieldValue(fieldRef.fieldPath, pod, facts)
  if (resourceFieldRef !== undefined) {
    const { containerName } = resourceFieldRef
    const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
    const of = containerName === undefined ? container : all.find(c => c.name === containerName)
    return resourceValue(resourceFieldRef, of ?? container, facts)
  }
  const ref = configMapKeyRef ?? secretKeyRef
  if (ref === undefined) return undefined
  const { name = '', key, optional = false } = ref
  const kind = configMapKeyRef === undefined ? 'secret' : 'configmap'
  const found =
    kind === 'secret' ? await source.secret(pod.namespace, name) : await source.configMap(pod.namespace, name)
  if (found === undefined) {
    if (optional) return undefined
    throw missing(kind, name)
  }
  const value = found.data?.[key]
  if (value === undefined) {
    if (optional) return undefined
    throw missing(
      kind === 'secret' ? `Secret ${pod.namespace}/${name}` : `ConfigMap ${pod.namespace}/${name}`,
      name,
      key,
    )
  }
  return kind === 'secret' ? decode(value) : value
}

/** Printable ASCII without `=` (KEP-4369). */
const isName = (key: string): boolean => /^[ -<>-~]+$/.test(key)

const fromSources = async (input: EnvInput, into: Map<string, string>): Promise<string[]> => {
  const skipped: string[] = []
  for (const { prefix = '', configMapRef, secretRef } of input.container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef
    if (ref === undefined) continue
    const { name = '', optional = false } = ref
    const found =
      configMapRef === undefined
        ? await input.source.secret(input.pod.namespace, name)
        : await input.source.configMap(input.pod.namespace, name)
    if (found === undefined) {
      if (optional) continue
      throw missing(configMapRef === undefined ? 'secret' : 'configmap', name)
    }
    for (const [key, value] of Object.entries(found.data ?? {})) {
      const variable = prefix + key
      if (isName(variable)) into.set(variable, configMapRef === undefined ? decode(value) : value)
      else skipped.push(variable)
    }
  }
  return skipped
}

export interface ContainerEnv {
  env: { name: string; value: string }[]
  /** Keys of envFrom that are no names of variables: the event InvalidEnvironmentVariableNames names them. */
  skipped: string[]
}

/**
 * A container's environment: service variables, then envFrom, then env in order, each value expanded with what stands
 * before it. Throws NOT_FOUND for a reference that is neither there nor optional, INVALID_INPUT for a bad path.
 */
export const containerEnv = async (input: EnvInput): Promise<ContainerEnv> => {
  const own = new Map<string, string>()
  const skipped = await fromSources(input, own)
  const lookup = (name: string) => own.get(name) ?? input.serviceEnv.get(name)
  for (const env of input.container.env ?? []) {
    const value =
      env.valueFrom === undefined
        ? expand(env.value ?? '', lookup)
        : await fromRef(input, { ...env, valueFrom: env.valueFrom })
    if (value !== undefined) own.set(env.name, value)
  }
  const all = new Map([...input.serviceEnv, ...own])
  return { env: [...all].map(([name, value]) => ({ name, value })), skipped }
}
