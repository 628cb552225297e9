import type { TypeSchema } from '../../../kube/patch/schema.ts'
import {
  celBool,
  celBytes,
  celDouble,
  celDyn,
  celInt,
  celString,
  celTimestamp,
  type CelType,
  listType,
  mapType,
  objectType,
} from './cel-type.ts'

const known = new WeakMap<TypeSchema, CelType>()

const stringType = ({ format }: TypeSchema): CelType => {
  switch (format) {
    case 'byte':
      return celBytes
    case 'date-time':
    case 'date-time-micro':
      return celTimestamp
    // A quantity may be written as a number too.
    case 'quantity':
    case 'int-or-string':
      return celDyn
    default:
      return celString
  }
}

const fieldsOf = (fields: ReadonlyMap<string, TypeSchema>): ReadonlyMap<string, CelType> =>
  new Map([...fields].map(([name, schema]) => [name, typeOfSchema(schema)]))

const read = (schema: TypeSchema): CelType => {
  switch (schema.type) {
    case 'string':
      return stringType(schema)
    case 'integer':
      return celInt
    case 'number':
      return celDouble
    case 'boolean':
      return celBool
    case 'list':
      return listType(schema.items === undefined ? celDyn : typeOfSchema(schema.items))
    case 'map':
      return mapType(celString, schema.values === undefined ? celDyn : typeOfSchema(schema.values))
    case 'object': {
      const { fields } = schema
      return fields === undefined
        ? celDyn
        : objectType(schema.definition ?? 'object', () => fieldsOf(fields), { escaped: true })
    }
    case 'any':
      return celDyn
  }
}

/** The type of a built-in kind's objects, for checking the fields an expression names. It may refer to itself. */
export const typeOfSchema = (schema: TypeSchema): CelType => {
  let type = known.get(schema)
  if (type === undefined) known.set(schema, (type = read(schema)))
  return type
}
