import { apiError } from '../../../kube/status.ts'

/** Deeper than any object of the API; recursion elsewhere relies on it. (Go's decoder allows 10,000.) */
const maxDepth = 1000

interface Frame {
  /** The keys met in an object; undefined in a list. */
  readonly keys: Set<string> | undefined
  /** The current key of an object, or index in a list. */
  at: string | number
  /** In an object: whether a key comes next. */
  wantsKey: boolean
}

const pathOf = (frames: readonly Frame[]): string =>
  frames.reduce((path, { at }) => (typeof at === 'number' ? `${path}[${at}]` : path === '' ? at : `${path}.${at}`), '')

/** The index behind the closing quote of the string that starts at `start`. */
const endOfString = (text: string, start: number): number => {
  for (let i = start + 1; ; i++) {
    i = text.indexOf('"', i)
    if (i < 0) return text.length
    let slashes = 0
    while (text.charCodeAt(i - 1 - slashes) === 92) slashes++
    if (slashes % 2 === 0) return i + 1
  }
}

/**
 * Keys that stand twice in one object of a JSON text, in upstream's words: `duplicate field "spec.replicas"`.
 * JSON.parse keeps the last of them in silence. The text must be valid JSON; each path is named once.
 * Throws ApiError BadRequest for a text nested deeper than 1,000 levels.
 */
export const findDuplicateKeys = (text: string): string[] => {
  const found = new Set<string>()
  const frames: Frame[] = []
  for (let i = 0; i < text.length; i++) {
    const top = frames.at(-1)
    switch (text.charCodeAt(i)) {
      case 34: {
        const end = endOfString(text, i)
        if (top?.keys !== undefined && top.wantsKey) {
          const raw = text.slice(i, end)
          const key = raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1)
          top.at = key
          top.wantsKey = false
          if (top.keys.has(key)) found.add(`duplicate field "${pathOf(frames)}"`)
          top.keys.add(key)
        }
        i = end - 1
        break
      }
      case 44: // ,
        if (top === undefined) break
        if (typeof top.at === 'number') top.at++
        else top.wantsKey = true
        break
      case 123: // {
        frames.push({ keys: new Set(), at: '', wantsKey: true })
        break
      case 91: // [
        frames.push({ keys: undefined, at: 0, wantsKey: false })
        break
      case 125:
      case 93:
        frames.pop()
        break
      default:
    }
    if (frames.length > maxDepth) throw apiError('BadRequest', 'json: exceeded max depth')
  }
  return [...found]
}
