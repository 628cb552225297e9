import { formatQuantity, parseQuantity } from '../../../kube/quantity.ts'

const cache = new Map<string, string>()
const cacheLimit = 1000

/**
 * The canonical spelling of a quantity (`0.5` is `500m`, `1024Mi` is `1Gi`), as upstream stores it; what cannot be
 * read stays as it is, for validation to name. The same few texts come again and again, so they are remembered.
 */
export const canonicalQuantity = (text: string): string => {
  const known = cache.get(text)
  if (known !== undefined) return known
  let canonical = text
  try {
    canonical = formatQuantity(parseQuantity(text))
  } catch {
    return text
  }
  if (cache.size >= cacheLimit) cache.clear()
  cache.set(text, canonical)
  return canonical
}
