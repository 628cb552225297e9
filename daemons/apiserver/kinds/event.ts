import type { Event } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import { column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, invalidEach, required } from './field-error.ts'
import { ageOf } from './human-duration.ts'
import type { Column, FieldError, Kind } from './kind.ts'
import { qualifiedNameErrors } from './name-syntax.ts'

const wide = { wide: true }
const maxWordLength = 128
const maxNoteLength = 1024

const firstSeen = (event: Draft<Event>): string | undefined => event.firstTimestamp || event.eventTime
const lastSeen = (event: Draft<Event>): string | undefined =>
  event.series?.lastObservedTime || event.lastTimestamp || firstSeen(event)

const sourceOf = (event: Draft<Event>): string => {
  const component = event.source?.component || event.reportingComponent || ''
  const host = event.source?.host || event.reportingInstance
  return host ? `${component}, ${host}` : component
}

const objectOf = (event: Draft<Event>): string => {
  const { kind = '', name } = event.involvedObject ?? {}
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
}

const columns: readonly Column[] = [
  column<Event>('Last Seen', 'The time since it was seen last.', (o, nowMs) => ageOf(lastSeen(o), nowMs)),
  column<Event>('Type', 'Normal or Warning.', o => o.type ?? ''),
  column<Event>('Reason', 'Why it happened, in a word.', o => o.reason ?? ''),
  column<Event>('Object', 'What it is about.', objectOf),
  column<Event>('Subobject', 'The part of the object it is about.', o => o.involvedObject?.fieldPath ?? '', wide),
  column<Event>('Source', 'Who reported it.', sourceOf, wide),
  column<Event>('Message', 'What happened, for people.', o => (o.message ?? '').trim()),
  column<Event>('First Seen', 'The time since it was seen first.', (o, nowMs) => ageOf(firstSeen(o), nowMs), wide),
  column<Event>('Count', 'How often it was seen.', o => String(o.series?.count ?? (o.count || 1)), wide),
  { ...nameColumn, priority: 1 },
]

const validate = (event: Draft<Event>): FieldError[] => {
  const errors: FieldError[] = []
  const about = event.involvedObject?.namespace ?? ''
  const own = event.metadata?.namespace ?? ''
  const mismatch = () => errors.push(invalid('involvedObject.namespace', about, 'does not match event.namespace'))
  if (!event.eventTime) {
    // Of the older sort: it stands where its object is, or in `default`.
    if (about === '' ? own !== 'default' && own !== '' : about !== own) mismatch()
    return errors
  }
  if (about === '' && own !== 'default' && own !== 'kube-system') mismatch()
  const { reportingComponent: controller = '', reportingInstance: instance = '', action = '', reason = '' } = event
  if (controller === '') errors.push(required('reportingController'))
  errors.push(...invalidEach('reportingController', controller, qualifiedNameErrors(controller)))
  for (const [field, text] of Object.entries({ reportingInstance: instance, action, reason })) {
    if (text === '') errors.push(required(field))
    if (text.length > maxWordLength) errors.push(invalid(field, '', `can have at most ${maxWordLength} characters`))
  }
  if ((event.message ?? '').length > maxNoteLength)
    errors.push(invalid('message', '', `can have at most ${maxNoteLength} characters`))
  return errors
}

const validateSeries = ({ series }: Draft<Event>): FieldError[] => {
  if (!series) return []
  const errors: FieldError[] = []
  if ((series.count ?? 0) < 2) errors.push(invalid('series.count', '', 'should be at least 2'))
  if (!series.lastObservedTime) errors.push(required('series.lastObservedTime'))
  return errors
}

/** A new event of events.k8s.io has nothing of the older sort. */
const validateNew = (event: Draft<Event>): FieldError[] => {
  const errors = validateSeries(event)
  if (!event.eventTime) errors.push(required('eventTime'))
  if (event.type !== 'Normal' && event.type !== 'Warning')
    errors.push(invalid('type', '', `has invalid value: ${event.type ?? ''}`))
  for (const field of ['firstTimestamp', 'lastTimestamp', 'count'] as const)
    if (event[field]) errors.push(invalid(field, '', 'needs to be unset'))
  if (event.source?.component || event.source?.host) errors.push(invalid('source', '', 'needs to be unset'))
  return errors
}

/** Names in events.k8s.io -> names in the stored, core shape. */
const renamed: Readonly<Record<string, string>> = {
  note: 'message',
  regarding: 'involvedObject',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
}
const renamedBack = Object.fromEntries(Object.entries(renamed).map(([from, to]) => [to, from]))

const rename = (object: UnknownObject, names: Readonly<Record<string, string>>, apiVersion: string): UnknownObject => {
  const result: UnknownObject = {}
  for (const key of Object.keys(object)) result[names[key] ?? key] = object[key]
  result.apiVersion = apiVersion
  return result
}

const read = (get: (event: Draft<Event>) => string | undefined) => (object: UnknownObject) =>
  get(draftOf<Event>(object)) ?? ''

const selectableFields: Kind['selectableFields'] = {
  'involvedObject.kind': read(e => e.involvedObject?.kind),
  'involvedObject.namespace': read(e => e.involvedObject?.namespace),
  'involvedObject.name': read(e => e.involvedObject?.name),
  'involvedObject.uid': read(e => e.involvedObject?.uid),
  'involvedObject.apiVersion': read(e => e.involvedObject?.apiVersion),
  'involvedObject.resourceVersion': read(e => e.involvedObject?.resourceVersion),
  'involvedObject.fieldPath': read(e => e.involvedObject?.fieldPath),
  reason: read(e => e.reason),
  reportingComponent: read(e => e.reportingComponent),
  source: read(e => e.source?.component || e.reportingComponent),
  type: read(e => e.type),
}

export const eventKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Event',
  hasStatus: false,
  subresources: [],
  garbageCollection: 'Unsupported',
  generationFields: [],
  validate: object => validate(draftOf<Event>(object)),
  selectableFields,
  columns,
}

const asCore = (object: UnknownObject): UnknownObject => rename(object, renamed, 'v1')

/** The same stored objects as eventKind, under the newer API's names. */
export const eventV1Kind: Kind = {
  ...eventKind,
  group: 'events.k8s.io',
  schema: 'io.k8s.api.events.v1.Event',
  storedAs: {
    group: '',
    version: 'v1',
    plural: 'events',
    toStored: asCore,
    fromStored: object => rename(object, renamedBack, 'events.k8s.io/v1'),
  },
  // Rows see their own group's shape, so each rule reads the object under its core names.
  validate: object => validate(draftOf<Event>(asCore(object))),
  validateCreate: object => validateNew(draftOf<Event>(asCore(object))),
  selectableFields: Object.fromEntries(
    Object.entries(selectableFields).flatMap(([name, get]) => {
      const here = name
        .replace(/^involvedObject\./, 'regarding.')
        .replace(/^reportingComponent$/, 'reportingController')
      return [...new Set([name, here])].map(n => [n, (object: UnknownObject) => get(asCore(object))] as const)
    }),
  ),
  columns: columns.map(c => ({ ...c, cell: (object, nowMs) => c.cell(asCore(object), nowMs) })),
}
