import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Secret,
  Volume,
  VolumeProjection,
} from 'kubernetes-types/core/v1.js'
import { SkiffError } from '../../../kube/errors.ts'
import { fieldValue, resourceValue, type DownwardFacts } from '../container/downward.ts'
import type { ConfigSource } from '../container/env.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import type { TokenSource } from './pod-tokens.ts'

export interface PayloadFile {
  content: Buffer
  mode: number
}

/** Files by relative path. */
export type Payload = Map<string, PayloadFile>

export interface PayloadInput {
  pod: LocalPod
  facts: DownwardFacts
  source: ConfigSource
  tokens: TokenSource
}

interface Selection {
  items: readonly KeyToPath[] | undefined
  optional: boolean
  defaultMode: number
  /** `configmap` or `secret`, and its name: for messages. */
  what: string
}

const select = (data: ReadonlyMap<string, Buffer>, selection: Selection): Payload => {
  const { items, defaultMode } = selection
  if (items === undefined) return new Map([...data].map(([key, content]) => [key, { content, mode: defaultMode }]))
  const payload: Payload = new Map()
  for (const { key, path, mode } of items) {
    const content = data.get(key)
    if (content !== undefined) payload.set(path, { content, mode: mode ?? defaultMode })
    else if (!selection.optional)
      throw new SkiffError('NOT_FOUND', `${selection.what} references non-existent config key: ${key}`)
  }
  return payload
}

const configMapData = (object: ConfigMap): Map<string, Buffer> =>
  new Map([
    ...Object.entries(object.data ?? {}).map(([key, text]): [string, Buffer] => [key, Buffer.from(text)]),
    ...Object.entries(object.binaryData ?? {}).map(([key, text]): [string, Buffer] => [
      key,
      Buffer.from(text, 'base64'),
    ]),
  ])

const secretData = (object: Secret): Map<string, Buffer> =>
  new Map(Object.entries(object.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]))

interface Reference {
  name: string
  items?: readonly KeyToPath[]
  optional?: boolean
}

const fromObject = async (
  input: PayloadInput,
  kind: 'configmap' | 'secret',
  ref: Reference & { defaultMode: number },
): Promise<Payload> => {
  const { namespace } = input.pod
  const optional = ref.optional ?? false
  const data =
    kind === 'configmap'
      ? await input.source.configMap(namespace, ref.name).then(found => found && configMapData(found))
      : await input.source.secret(namespace, ref.name).then(found => found && secretData(found))
  if (data === undefined) {
    if (optional) return new Map()
    throw new SkiffError('NOT_FOUND', `${kind} "${ref.name}" not found`)
  }
  return select(data, { items: ref.items, optional, defaultMode: ref.defaultMode, what: kind })
}

const fromDownward = (
  input: PayloadInput,
  items: readonly DownwardAPIVolumeFile[] | undefined,
  defaultMode: number,
): Payload => {
  const payload: Payload = new Map()
  for (const { path, mode, fieldRef, resourceFieldRef } of items ?? []) {
    let text = ''
    if (fieldRef !== undefined) text = fieldValue(fieldRef.fieldPath, input.pod, input.facts)
    else if (resourceFieldRef !== undefined) {
      const container = [...input.pod.spec.containers, ...(input.pod.spec.initContainers ?? [])].find(
        c => c.name === resourceFieldRef.containerName,
      )
      if (container === undefined)
        throw new SkiffError('INVALID_INPUT', `container ${resourceFieldRef.containerName} not found`)
      text = resourceValue(resourceFieldRef, container, input.facts)
    }
    payload.set(path, { content: Buffer.from(text), mode: mode ?? defaultMode })
  }
  return payload
}

const fromProjection = async (input: PayloadInput, source: VolumeProjection, defaultMode: number): Promise<Payload> => {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source
  if (configMap !== undefined)
    return fromObject(input, 'configmap', { ...configMap, name: configMap.name ?? '', defaultMode })
  if (secret !== undefined) return fromObject(input, 'secret', { ...secret, name: secret.name ?? '', defaultMode })
  if (downwardAPI !== undefined) return fromDownward(input, downwardAPI.items, defaultMode)
  if (serviceAccountToken !== undefined) {
    const token = await input.tokens.token(input.pod, serviceAccountToken)
    return new Map([[serviceAccountToken.path, { content: Buffer.from(token), mode: defaultMode }]])
  }
  const kind = Object.keys(source)[0] ?? 'an empty source'
  throw new SkiffError('NOT_IMPLEMENTED', `NOT_IMPLEMENTED: projected volume source ${kind}`)
}

/**
 * The files of a configMap, secret, downwardAPI or projected volume; undefined for any other kind of volume.
 * Throws NOT_FOUND (a reference that is not there and not optional), INVALID_INPUT, NOT_IMPLEMENTED.
 */
export const payloadOf = async (volume: Volume, input: PayloadInput): Promise<Payload | undefined> => {
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap !== undefined)
    return fromObject(input, 'configmap', {
      ...configMap,
      name: configMap.name ?? '',
      defaultMode: configMap.defaultMode ?? 0o644,
    })
  if (secret !== undefined)
    return fromObject(input, 'secret', {
      ...secret,
      name: secret.secretName ?? '',
      defaultMode: secret.defaultMode ?? 0o644,
    })
  if (downwardAPI !== undefined) return fromDownward(input, downwardAPI.items, downwardAPI.defaultMode ?? 0o644)
  if (projected === undefined) return undefined
  const payload: Payload = new Map()
  for (const source of projected.sources ?? [])
    for (const [path, file] of await fromProjection(input, source, projected.defaultMode ?? 0o644))
      payload.set(path, file)
  return payload
}

/** The config maps and secrets whose change shows in a pod's mounted files: `configmaps/NAME`, `secrets/NAME`. Pure. */
export const mountedReferences = (pod: LocalPod): Set<string> => {
  const found = new Set<string>()
  const note = (kind: string, name: string | undefined) => {
    if (name !== undefined && name !== '') found.add(`${kind}/${name}`)
  }
  for (const volume of pod.spec.volumes ?? []) {
    note('configmaps', volume.configMap?.name)
    note('secrets', volume.secret?.secretName)
    for (const source of volume.projected?.sources ?? []) {
      note('configmaps', source.configMap?.name)
      note('secrets', source.secret?.name)
    }
  }
  return found
}
