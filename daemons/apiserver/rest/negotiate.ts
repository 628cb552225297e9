import { apiError } from '../../../kube/status.ts'
import { acceptClauses, type Clause, clauseMatches } from './accept-clauses.ts'

/** How the client wants its answer. */
export interface Representation {
  media: 'json' | 'yaml' | 'protobuf'
  /** Object: as it is. The others are meta.k8s.io's views of it. */
  as: 'Object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  /** `v1` or `v1beta1` of meta.k8s.io, as the client named it. */
  metaVersion: string
  /** Asked for by the media type (`application/json;pretty=1`). */
  pretty: boolean
}

/** What may be answered besides JSON and YAML of the whole object. */
export interface Offer {
  /** False for custom kinds, which have no message; their metadata has one. */
  protobuf: boolean
  /** False for a Status: it has no other view. */
  views: boolean
  /** False for what upstream has no columns of: reviews and Bindings. */
  tables: boolean
}

const anything: Offer = { protobuf: true, views: true, tables: true }
const plain: Representation = { media: 'json', as: 'Object', metaVersion: 'v1', pretty: false }

export const contentTypes: Readonly<Record<Representation['media'], string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
}
const medias = ['json', 'yaml', 'protobuf'] as const
const acceptedTypes: readonly string[] = medias.map(media => contentTypes[media])
const streamedTypes = ['json', 'protobuf'].map(media => `${contentTypes[media as 'json']};stream=watch`)

const views = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])

/** The clause's parameters with this media; undefined where they ask for what there is not. */
const representationOf = (
  { parameters }: Clause,
  media: Representation['media'],
  offer: Offer,
): Representation | undefined => {
  const [as, group, version] = ['as', 'g', 'v'].map(name => parameters.get(name))
  const stream = parameters.get('stream') ?? ''
  if (stream !== '' && (stream !== 'watch' || media === 'yaml')) return undefined
  if (!['', 'v1'].includes(parameters.get('sv') ?? '')) return undefined
  const pretty = parameters.get('pretty') === '1'
  if (as === undefined && group === undefined && version === undefined)
    return media === 'protobuf' && !offer.protobuf ? undefined : { ...plain, media, pretty }
  if (!offer.views || as === undefined || version === undefined || !views.has(as)) return undefined
  if (group !== 'meta.k8s.io' || !['v1', 'v1beta1'].includes(version)) return undefined
  // A table's cells are of any type, for which protobuf has no word.
  if (as === 'Table' && (media === 'protobuf' || !offer.tables)) return undefined
  return { media, as: as as Representation['as'], metaVersion: version, pretty }
}

const find = (accept: string, offer: Offer): Representation | undefined => {
  for (const clause of acceptClauses(accept))
    for (const media of medias) {
      const found = clauseMatches(clause, contentTypes[media]) ? representationOf(clause, media, offer) : undefined
      if (found !== undefined) return found
    }
  return undefined
}

// Clients send the same few headers with every request.
const found = new Map<string, Representation | undefined>()
const foundAtMost = 200

/** As `negotiate`; undefined where nothing that is accepted can be served. */
export const tryNegotiate = (accept: string | undefined, offer: Offer = anything): Representation | undefined => {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return plain
  const key = `${offer.protobuf ? 1 : 0}${offer.views ? 1 : 0}${offer.tables ? 1 : 0}${accept}`
  if (!found.has(key)) {
    if (found.size >= foundAtMost) found.clear()
    found.set(key, find(accept, offer))
  }
  return found.get(key)
}

export const notAcceptable = (types: readonly string[] = acceptedTypes) =>
  apiError('NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`)

/** The best range of an Accept header that can be served. Throws ApiError NotAcceptable where there is none. */
export const negotiate = (accept: string | undefined, offer: Offer = anything): Representation => {
  const representation = tryNegotiate(accept, offer)
  if (representation === undefined) throw notAcceptable()
  return representation
}

/** The same for a watch, which YAML cannot carry. */
export const negotiateStream = (accept: string | undefined, offer: Offer = anything): Representation => {
  const representation = tryNegotiate(accept, offer)
  if (representation === undefined || representation.media === 'yaml') throw notAcceptable(streamedTypes)
  return representation
}
