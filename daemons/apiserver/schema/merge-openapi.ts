import { equalJson, isJsonObject, type JsonObject, setKey } from '../../../kube/patch/json-value.ts'
import type { RemoteVersion } from './remote-version.ts'

const definitionPrefix = '#/definitions/'

/** Every definition that a value names, directly or through others. */
const addReferences = (value: unknown, definitions: JsonObject, found: Set<string>): void => {
  if (Array.isArray(value)) for (const item of value) addReferences(item, definitions, found)
  if (!isJsonObject(value)) return
  const reference = value['$ref']
  if (typeof reference === 'string' && reference.startsWith(definitionPrefix)) {
    const name = reference.slice(definitionPrefix.length)
    if (!found.has(name)) {
      found.add(name)
      addReferences(definitions[name], definitions, found)
    }
  }
  for (const item of Object.values(value)) addReferences(item, definitions, found)
}

const renamed = (value: unknown, names: ReadonlyMap<string, string>): unknown => {
  if (Array.isArray(value)) return value.map(item => renamed(item, names))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== '$ref' || typeof item !== 'string') return [key, renamed(item, names)]
      const name = names.get(item.slice(definitionPrefix.length))
      return [key, name === undefined ? item : `${definitionPrefix}${name}`]
    }),
  )
}

const objectAt = (value: JsonObject, key: string): JsonObject => {
  const found = value[key]
  return isJsonObject(found) ? found : {}
}

/** `Foo_v2`, `Foo_v3`, …: the first that nobody has. */
const freeName = (name: string, taken: JsonObject): string => {
  let number = 2
  while (`${name}_v${number}` in taken) number++
  return `${name}_v${number}`
}

/**
 * Adds what others serve to the Swagger document of this server: the paths of their groups, and the definitions those
 * need; one that has the name of another and is not the same gets a number. Changes nothing it is given.
 */
export const mergeOpenApiV2 = (own: JsonObject, remotes: readonly RemoteVersion[]): JsonObject => {
  const paths = { ...objectAt(own, 'paths') }
  const definitions = { ...objectAt(own, 'definitions') }
  for (const { group, openApiV2 } of remotes) {
    if (openApiV2 === undefined) continue
    const theirs = objectAt(openApiV2, 'definitions')
    const prefix = `/apis/${group}/`
    const added = Object.entries(objectAt(openApiV2, 'paths')).filter(
      ([path]) => path.startsWith(prefix) && !(path in paths),
    )
    const found = new Set<string>()
    for (const [, item] of added) addReferences(item, theirs, found)
    const names = new Map<string, string>()
    for (const name of found)
      if (name in definitions && !equalJson(definitions[name], theirs[name]))
        names.set(name, freeName(name, { ...definitions, ...theirs }))
    for (const name of found) {
      const definition = theirs[name]
      if (definition !== undefined) setKey(definitions, names.get(name) ?? name, renamed(definition, names))
    }
    for (const [path, item] of added) setKey(paths, path, renamed(item, names))
  }
  return { ...own, paths, definitions }
}
