import type { UnknownObject } from '../object.ts'
import { apiError } from '../status.ts'
import type { PatchType } from './client.ts'

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Freezes all the way down: a test that changes a shared object throws where it does so. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}

/** The text of a dotted field, '' where there is none. */
export const fieldText = (object: UnknownObject, field: string): string => {
  const value = field.split('.').reduce<unknown>((at, part) => (isFields(at) ? at[part] : undefined), object)
  return value === undefined || value === null ? '' : String(value)
}

/** How lists of objects are told apart in a strategic merge; the real server knows the key of each list. */
const itemKeys = ['type', 'uid', 'ip', 'name', 'key', 'port'] as const

const mergeLists = (old: unknown, patch: readonly unknown[]): unknown[] => {
  const key = itemKeys.find(name => patch.length > 0 && patch.every(item => isFields(item) && name in item))
  if (key === undefined || !Array.isArray(old)) return [...patch]
  const result: unknown[] = [...old]
  for (const item of patch as Fields[]) {
    const at = result.findIndex(other => isFields(other) && other[key] === item[key])
    if (item['$patch'] === 'delete') {
      if (at >= 0) result.splice(at, 1)
    } else if (at >= 0) result[at] = merge(result[at], item, true)
    else result.push(item)
  }
  return result
}

const merge = (old: unknown, patch: unknown, strategic: boolean): unknown => {
  if (strategic && Array.isArray(patch)) return mergeLists(old, patch)
  if (!isFields(patch)) return patch
  const result: Fields = isFields(old) ? { ...old } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (strategic && key.startsWith('$setElementOrder/')) continue
    if (value === null) delete result[key]
    else result[key] = merge(result[key], value, strategic)
  }
  return result
}

interface JsonOperation {
  op: string
  path: string
  value?: unknown
}

const applyOperation = (root: unknown, { op, path, value }: JsonOperation): void => {
  const parts = path
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = parts.pop() ?? ''
  const parent = parts.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? (at as Fields)[part] : undefined),
    root,
  )
  if (typeof parent !== 'object' || parent === null) throw apiError('Invalid', `the path ${path} does not exist`)
  const target = parent as Fields
  if (op === 'test') {
    if (JSON.stringify(target[last]) !== JSON.stringify(value)) throw apiError('Invalid', `testing ${path} failed`)
  } else if (op === 'remove') {
    if (Array.isArray(parent)) parent.splice(Number(last), 1)
    else delete target[last]
  } else if (op === 'add' && Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, value)
  else if (op === 'add' || op === 'replace') target[last] = value
  else throw apiError('NotImplemented', `the fake client does not carry out the JSON patch operation ${op}`)
}

/** Gives the patched object; `object` may be changed. */
export const applyFakePatch = (type: PatchType, object: UnknownObject, patch: unknown): unknown => {
  switch (type) {
    case 'merge':
      return merge(object, structuredClone(patch), false)
    case 'strategic':
      return merge(object, structuredClone(patch), true)
    case 'json':
      for (const operation of structuredClone(patch) as JsonOperation[]) applyOperation(object, operation)
      return object
    case 'apply':
      throw apiError('NotImplemented', 'the fake client does not carry out server-side apply')
  }
}
