import type { Container } from 'kubernetes-types/core/v1.js'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { ageOf } from './human-duration.ts'
import type { Column } from './kind.ts'

type Cell = string | number | boolean

/** A column of the kind T; wide ones show with `-o wide` only. */
export const column = <T>(
  name: string,
  description: string,
  cell: (object: Draft<T>, nowMs: number) => Cell,
  options: { type?: Column['type']; wide?: boolean } = {},
): Column => ({
  name,
  type: options.type ?? 'string',
  description,
  priority: options.wide === true ? 1 : 0,
  cell: (object, nowMs) => cell(draftOf<T>(object), nowMs),
})

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'The name, unique among its kind (in its namespace).',
  priority: 0,
  cell: object => object.metadata?.name ?? '',
}

export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  description: 'The time since the object was created.',
  priority: 0,
  cell: (object, nowMs) => ageOf(object.metadata?.creationTimestamp, nowMs),
}

/** Stands in for Age where upstream has no columns of the kind's own. */
export const createdAtColumn: Column = {
  name: 'Created At',
  type: 'date',
  description: 'When the object was created.',
  priority: 0,
  cell: object => object.metadata?.creationTimestamp ?? '',
}

export const orNone = (text: string | undefined | null): string => (text ? text : '<none>')

/** At most `max` of them, then how many were left out: `a,b,c + 2 more...`. */
export const joinSome = (items: readonly string[], max: number): string =>
  items.length <= max ? items.join(',') : `${items.slice(0, max).join(',')} + ${items.length - max} more...`

/** `a=b,c=d`, sorted by key. */
export const formatLabels = (labels: Readonly<Record<string, string | undefined>> | undefined): string =>
  orNone(
    Object.entries(labels ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${value ?? ''}`)
      .join(','),
  )

export const containerNames = (containers: readonly Draft<Container>[] | undefined): string =>
  (containers ?? []).map(c => c.name ?? '').join(',')

export const containerImages = (containers: readonly Draft<Container>[] | undefined): string =>
  (containers ?? []).map(c => c.image ?? '').join(',')
