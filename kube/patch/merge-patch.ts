import { cloneJson, getKey, isJsonObject, setKey } from './json-value.ts'
import type { JsonObject } from './json-value.ts'

/**
 * RFC 7386: null removes, objects merge, everything else replaces. The result shares nothing with its inputs.
 * A patch that is no object replaces the document, as the RFC has it; whether that is allowed is the caller's rule.
 */
export const applyMergePatch = (object: unknown, patch: unknown): unknown => {
  if (!isJsonObject(patch)) return cloneJson(patch)
  const result: JsonObject = {}
  if (isJsonObject(object))
    for (const key of Object.keys(object)) if (!Object.hasOwn(patch, key)) setKey(result, key, cloneJson(object[key]))
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null) continue
    setKey(result, key, applyMergePatch(isJsonObject(object) ? getKey(object, key) : undefined, value))
  }
  return result
}
