import type { UnknownObject } from '../../../kube/object.ts'
import { nameColumn } from '../kinds/column.ts'
import { humanDuration } from '../kinds/human-duration.ts'
import type { Column } from '../kinds/kind.ts'
import type { PrinterColumn } from './definition.ts'
import { parseJsonPath } from './json-path.ts'

const types = ['string', 'integer', 'number', 'boolean', 'date'] as const
type ColumnType = (typeof types)[number]

const typeOf = (name: string | undefined): ColumnType => types.find(type => type === name) ?? 'string'

const dateCell = (value: unknown, nowMs: number): string => {
  const at = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(at) ? '<invalid>' : humanDuration(nowMs - at)
}

/** What a column of the type shows of a value; null where it is of another type. */
const cellOf = (type: ColumnType, value: unknown, nowMs: number): string | number | boolean | null => {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(value)
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return dateCell(value, nowMs)
  }
}

const columnOf = ({ name = '', type, format, description, priority, jsonPath = '' }: PrinterColumn): Column => {
  const path = parseJsonPath(jsonPath)
  const kind = typeOf(type)
  return {
    name,
    type: kind,
    ...(format === undefined ? {} : { format }),
    description: description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: priority ?? 0,
    cell: (object: UnknownObject, nowMs) => {
      const [value] = path.find(object)
      return value === undefined || value === null ? null : cellOf(kind, value, nowMs)
    },
  }
}

const ageColumn: PrinterColumn = {
  name: 'Age',
  type: 'date',
  description: 'The time since the object was created.',
  jsonPath: '.metadata.creationTimestamp',
}

/** The name, and the columns of a version; where it has none, the age. */
export const customColumns = (columns: readonly PrinterColumn[] | undefined): Column[] => [
  nameColumn,
  ...(columns === undefined || columns.length === 0 ? [ageColumn] : columns).map(columnOf),
]
