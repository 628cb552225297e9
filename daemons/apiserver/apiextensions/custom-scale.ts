import type { UnknownObject } from '../../../kube/object.ts'
import { isJsonObject, setKey, type JsonObject } from '../../../kube/patch/json-value.ts'
import { apiError } from '../../../kube/status.ts'
import type { ScaleRow } from '../kinds/kind.ts'
import type { Subresources } from './definition.ts'
import { fieldNames, parseJsonPath } from './json-path.ts'

const at = (object: UnknownObject, path: string | undefined): unknown =>
  path === undefined || path === '' ? undefined : parseJsonPath(path).find(object)[0]

const setAt = (object: UnknownObject, names: readonly string[], value: unknown): void => {
  let parent: JsonObject = object
  for (const name of names.slice(0, -1)) {
    if (!isJsonObject(parent[name])) setKey(parent, name, {})
    parent = parent[name] as JsonObject
  }
  const last = names.at(-1)
  if (last !== undefined) setKey(parent, last, value)
}

/** The scale subresource by the paths that the definition names. */
export const customScale = (scale: NonNullable<Subresources['scale']>): ScaleRow => ({
  replicas: object => {
    const value = at(object, scale.specReplicasPath)
    if (typeof value !== 'number')
      throw apiError(
        'InternalError',
        `Internal error occurred: the spec replicas field ${JSON.stringify(scale.specReplicasPath)} does not exist`,
      )
    return value
  },
  setReplicas: (object, replicas) => setAt(object, fieldNames(scale.specReplicasPath ?? '') ?? [], replicas),
  statusReplicas: object => {
    const value = at(object, scale.statusReplicasPath)
    return typeof value === 'number' ? value : 0
  },
  selector: object => {
    const value = at(object, scale.labelSelectorPath)
    return typeof value === 'string' ? value : ''
  },
})
