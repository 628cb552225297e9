import { apiError } from '../../../kube/status.ts'

/** How the client wants its answer. */
export interface Representation {
  media: 'json' | 'yaml'
  /** Object: as it is. The others are meta.k8s.io's views of it. */
  as: 'Object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  /** `v1` or `v1beta1` of meta.k8s.io, as the client named it. */
  metaVersion: string
}

const plain: Representation = { media: 'json', as: 'Object', metaVersion: 'v1' }

const mediaOf: Readonly<Record<string, 'json' | 'yaml'>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'application/yaml': 'yaml',
}

const views = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])

const parseRange = (text: string): Representation | undefined => {
  const [type = '', ...words] = text.split(';').map(word => word.trim())
  const media = mediaOf[type.toLowerCase()]
  if (media === undefined) return undefined
  const parameters = new Map(words.map(word => word.split('=', 2) as [string, string]))
  const as = parameters.get('as')
  if (as === undefined) return { ...plain, media }
  const version = parameters.get('v') ?? 'v1'
  if (!views.has(as) || parameters.get('g') !== 'meta.k8s.io' || !['v1', 'v1beta1'].includes(version)) return undefined
  return { media, as: as as Representation['as'], metaVersion: version }
}

/**
 * The first range of an Accept header that can be served. Protobuf is not, so that a client that takes nothing else
 * is told so (ApiError NotAcceptable), and one that also takes JSON gets JSON.
 */
export const negotiate = (accept: string | undefined): Representation => {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return plain
  for (const range of accept.split(',')) {
    const found = parseRange(range)
    if (found !== undefined) return found
  }
  throw apiError(
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/yaml, application/json;stream=watch',
  )
}
