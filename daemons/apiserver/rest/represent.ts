import type { UnknownObject } from '../../../kube/object.ts'
import { apiVersionOf } from '../../../kube/resource.ts'
import { ListPieces, pieceBytes } from './list-pieces.ts'
import type { Kind } from '../kinds/kind.ts'
import type { ListResult } from '../registry/read-objects.ts'
import { encodeObject, type StoredEntry } from '../store/stored-entry.ts'
import type { Offer, Representation } from './negotiate.ts'

/** What the rows of a table carry besides their cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface View extends Representation {
  includeObject: IncludeObject
  /** For the ages in cells. */
  nowMs: number
}

type ListMetadata = Pick<ListResult, 'resourceVersion' | 'continue' | 'remainingItemCount'>

/** What a list is made of, in whichever form. */
export type ListContent = ListMetadata & { entries: readonly StoredEntry[] }

/** Kubernetes' own definitions; what a CustomResourceDefinition makes has no protobuf message. */
const builtIn = /^io\.k8s\.(api|apimachinery|apiextensions-apiserver|kube-aggregator)\./

const builtInOffer: Offer = { protobuf: true, views: true, tables: true }
const askedOffer: Offer = { ...builtInOffer, tables: false }
const customOffer: Offer = { ...builtInOffer, protobuf: false }

/** Which forms of its objects a kind can be served in. */
export const offerOf = ({ schema, review, orders }: Kind): Offer => {
  if (!builtIn.test(schema)) return customOffer
  return review === undefined && orders === undefined ? builtInOffer : askedOffer
}

export const partialMetadata = (object: UnknownObject, metaVersion: string): UnknownObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${metaVersion}`,
  metadata: object.metadata ?? {},
})

export const partialList = ({ entries, ...metadata }: ListContent, metaVersion: string): UnknownObject =>
  ({
    kind: 'PartialObjectMetadataList',
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata,
    items: entries.map(entry => partialMetadata(entry.object, metaVersion)),
  }) as UnknownObject

/** What tells a watch how far it has come. `initialEventsEnd`: everything that was there at its start has been sent. */
export const bookmarkObject = (
  kind: Kind,
  view: View,
  { resourceVersion, initialEventsEnd }: { resourceVersion: string; initialEventsEnd: boolean },
): UnknownObject => {
  const annotations = initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
  const metadata = { resourceVersion, ...annotations }
  const apiVersion = `meta.k8s.io/${view.metaVersion}`
  if (view.as === 'Object') return { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata }
  return view.as === 'Table'
    ? { kind: 'Table', apiVersion, metadata, columnDefinitions: [], rows: [] }
    : { kind: 'PartialObjectMetadata', apiVersion, metadata }
}

const columnDefinitions = (kind: Kind): unknown[] =>
  kind.columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description,
    priority,
  }))

const rowOf = (kind: Kind, object: UnknownObject, view: View): unknown => ({
  cells: kind.columns.map(column => column.cell(object, view.nowMs)),
  ...(view.includeObject === 'None'
    ? {}
    : { object: view.includeObject === 'Object' ? object : partialMetadata(object, view.metaVersion) }),
})

/** meta.k8s.io Table: what `kubectl get` prints. `withColumns`: false for all but the first event of a watch. */
export const tableOf = (
  kind: Kind,
  objects: readonly UnknownObject[],
  { view, metadata, withColumns = true }: { view: View; metadata: object; withColumns?: boolean },
): UnknownObject => ({
  kind: 'Table',
  apiVersion: `meta.k8s.io/${view.metaVersion}`,
  metadata,
  columnDefinitions: withColumns ? columnDefinitions(kind) : [],
  rows: objects.map(object => rowOf(kind, object, view)),
})

/** One object in the view that was asked for. */
export const viewObject = (kind: Kind, object: UnknownObject, view: View, withColumns = true): UnknownObject => {
  switch (view.as) {
    case 'Table':
      return tableOf(kind, [object], {
        view,
        withColumns,
        metadata: { resourceVersion: object.metadata?.resourceVersion ?? '' },
      })
    case 'PartialObjectMetadata':
    case 'PartialObjectMetadataList':
      return partialMetadata(object, view.metaVersion)
    case 'Object':
      return object
  }
}

export const isPlain = (view: Representation): boolean => view.as === 'Object' && view.media === 'json'

export const encodeEntry = (kind: Kind, entry: StoredEntry, view: View): Buffer =>
  view.as === 'Object' ? entry.bytes : encodeObject(viewObject(kind, entry.object, view))

const joinList = (kind: Kind, metadata: ListMetadata, entries: readonly StoredEntry[]): Buffer | ListPieces => {
  const head = `{"kind":"${kind.listKind ?? `${kind.kind}List`}","apiVersion":"${apiVersionOf(kind)}","metadata":${JSON.stringify(metadata)},"items":[`
  const list = new ListPieces(head, entries)
  return list.length > pieceBytes ? list : list.whole()
}

export const encodeList = (kind: Kind, list: ListContent, view: View): Buffer | ListPieces => {
  const { entries, ...metadata } = list
  switch (view.as) {
    case 'Object':
      return joinList(kind, metadata, entries)
    case 'Table': {
      const objects = entries.map(entry => entry.object)
      return encodeObject(tableOf(kind, objects, { view, metadata }))
    }
    case 'PartialObjectMetadata':
    case 'PartialObjectMetadataList':
      return encodeObject(partialList(list, view.metaVersion))
  }
}
