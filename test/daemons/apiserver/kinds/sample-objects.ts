import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import type { FieldError, Kind } from '../../../../daemons/apiserver/kinds/kind.ts'
import type { UnknownObject } from '../../../../kube/object.ts'

/** A row of the table; the core or first group's where two have the name. */
export const kindOf = (plural: string, group?: string): Kind => {
  const found = builtinKinds.find(kind => kind.plural === plural && (group === undefined || kind.group === group))
  if (found === undefined) throw new Error(`no kind ${plural}`)
  return found
}

export const metadata = (more: object = {}) => ({ name: 'web', namespace: 'default', ...more })

export const pod = (spec: object = {}, more: object = {}): UnknownObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: metadata(),
  spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec },
  ...more,
})

export const container = (more: object): UnknownObject =>
  pod({ containers: [{ name: 'main', image: 'busybox', ...more }] })

export const service = (spec: object = {}, more: object = {}): UnknownObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata(),
  spec: { ports: [{ port: 80 }], selector: { app: 'web' }, ...spec },
  ...more,
})

export const deployment = (spec: object = {}, more: object = {}): UnknownObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: metadata(),
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] } },
    ...spec,
  },
  ...more,
})

/** As the registry prepares a new object: a copy, defaulted and prepared. */
export const created = (plural: string, object: UnknownObject): UnknownObject => {
  const kind = kindOf(plural)
  const copy = structuredClone(object)
  kind.setDefaults?.(copy)
  kind.prepareForCreate?.(copy)
  return copy
}

/** `field: message` of each failed rule of a new object. */
export const createErrors = (plural: string, object: UnknownObject): string[] =>
  newErrors(kindOf(plural), created(plural, object)).map(e => `${e.field}: ${e.message}`)

const newErrors = (kind: Kind, object: UnknownObject): FieldError[] => [
  ...(kind.validate?.(object) ?? []),
  ...(kind.validateCreate?.(object) ?? []),
]

/** What the server says besides of a new object. */
export const createWarnings = (plural: string, object: UnknownObject): string[] =>
  kindOf(plural).warnings?.(created(plural, object), undefined) ?? []

/** The rules of a write to status. */
export const statusErrors = (plural: string, old: UnknownObject, next: UnknownObject): string[] =>
  (kindOf(plural).validateUpdate?.(next, old, 'status') ?? []).map(e => `${e.field}: ${e.message}`)

/** The same for a change from one object to another; `old` is prepared as if it had been created. */
export const updateErrors = (plural: string, old: UnknownObject, next: UnknownObject): string[] => {
  const kind = kindOf(plural)
  const before = created(plural, old)
  const copy = structuredClone(next)
  kind.setDefaults?.(copy)
  kind.prepareForUpdate?.(copy, before)
  return [...(kind.validate?.(copy) ?? []), ...(kind.validateUpdate?.(copy, before, '') ?? [])].map(
    e => `${e.field}: ${e.message}`,
  )
}

/** The cells of a row by column name. */
export const cells = (
  plural: string,
  object: UnknownObject,
  nowMs = Date.parse('2026-01-01T01:00:00Z'),
): Record<string, unknown> =>
  Object.fromEntries(kindOf(plural).columns.map(column => [column.name, column.cell(object, nowMs)]))
