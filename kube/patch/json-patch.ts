import { apiError, hasReason } from '../status.ts'
import { cloneJson, equalJson, isJsonObject, setKey } from './json-value.ts'
import type { ApiError } from '../status.ts'

const maxOperations = 10_000

/** Upstream's answer to a patch that is well formed and cannot be applied: 422, with the cause beside a fixed sentence. */
const rejected = (why: string): ApiError =>
  apiError('Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message: why }],
  })

const malformed = (why: string): ApiError => apiError('BadRequest', `error decoding patch: ${why}`)

/** RFC 6901: `/a~1b/0` names the key `a/b` and in it the index 0. */
const parsePointer = (pointer: unknown, member: string): string[] => {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')))
    throw malformed(`${member} must be a JSON pointer, not ${JSON.stringify(pointer)}`)
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const pointerText = (path: readonly string[]): string =>
  path.map(part => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** `length` is the first index that is not allowed. */
const parseIndex = (text: string, length: number, path: readonly string[]): number => {
  const index = /^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : NaN
  if (!(index < length)) throw rejected(`no index ${JSON.stringify(text)} for ${pointerText(path)}`)
  return index
}

const child = (node: unknown, key: string, path: readonly string[]): unknown => {
  if (Array.isArray(node)) return node[parseIndex(key, node.length, path)]
  if (isJsonObject(node) && Object.hasOwn(node, key)) return node[key]
  throw rejected(`no value at ${pointerText(path)}`)
}

const find = (root: unknown, path: readonly string[]): unknown =>
  path.reduce((node, key) => child(node, key, path), root)

/** The document in its holder, so that the empty pointer (the whole document) is a key like any other. */
interface Holder {
  document: unknown
}

const add = (holder: Holder, path: readonly string[], value: unknown): void => {
  const key = path.at(-1)
  if (key === undefined) {
    holder.document = value
    return
  }
  const parent = find(holder.document, path.slice(0, -1))
  if (Array.isArray(parent))
    parent.splice(key === '-' ? parent.length : parseIndex(key, parent.length + 1, path), 0, value)
  else if (isJsonObject(parent)) setKey(parent, key, value)
  else throw rejected(`the parent of ${pointerText(path)} is neither an object nor a list`)
}

const remove = (holder: Holder, path: readonly string[]): unknown => {
  const key = path.at(-1)
  if (key === undefined) throw rejected('the whole document cannot be removed')
  const parent = find(holder.document, path.slice(0, -1))
  const old = child(parent, key, path)
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else if (isJsonObject(parent)) delete parent[key]
  return old
}

const replace = (holder: Holder, path: readonly string[], value: unknown): void => {
  if (path.length > 0) remove(holder, path)
  add(holder, path, value)
}

/** A test of null also holds for what is not there: upstream's library reads it so, and clients rely on it. */
const test = (holder: Holder, path: readonly string[], expected: unknown): void => {
  let actual: unknown
  try {
    actual = find(holder.document, path)
  } catch (error) {
    if (expected === null && hasReason(error, 'Invalid')) return
    throw error
  }
  if (!equalJson(actual, expected)) throw rejected(`testing value ${pointerText(path)} failed: test failed`)
}

const applyOperation = (holder: Holder, operation: unknown): void => {
  if (!isJsonObject(operation)) throw malformed(`an operation must be an object, not ${JSON.stringify(operation)}`)
  const path = parsePointer(operation['path'], 'path')
  const value = (): unknown => {
    if (!Object.hasOwn(operation, 'value'))
      throw malformed(`${String(operation['op'])} ${pointerText(path)} needs a value`)
    return cloneJson(operation['value'])
  }
  const from = () => parsePointer(operation['from'], 'from')
  switch (operation['op']) {
    case 'add':
      return add(holder, path, value())
    case 'remove':
      return void remove(holder, path)
    case 'replace':
      return replace(holder, path, value())
    case 'move': {
      const source = from()
      // RFC 6902 section 4.4: a value cannot move into itself.
      if (source.length < path.length && source.every((part, i) => part === path[i]))
        throw rejected(`${pointerText(source)} cannot be moved into itself`)
      return add(holder, path, source.length === 0 ? holder.document : remove(holder, source))
    }
    case 'copy':
      return add(holder, path, cloneJson(find(holder.document, from())))
    case 'test':
      return test(holder, path, value())
    default:
      throw rejected(`unknown operation ${JSON.stringify(operation['op'])}`)
  }
}

/**
 * RFC 6902. All operations apply or none; the result shares nothing with its inputs.
 *
 * Throws ApiError: `BadRequest` when the patch is malformed, `RequestEntityTooLarge` past 10,000 operations,
 * `Invalid` (422) when a path is missing or a test fails.
 */
export const applyJsonPatch = (object: unknown, patch: unknown): unknown => {
  if (!Array.isArray(patch)) throw malformed('a JSON patch must be a list of operations')
  if (patch.length > maxOperations)
    throw apiError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    )
  const holder: Holder = { document: cloneJson(object) }
  for (const operation of patch) applyOperation(holder, operation)
  return holder.document
}
