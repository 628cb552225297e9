import { isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'
import {
  boolField,
  doubleField,
  type Fields,
  intField,
  message,
  messageField,
  repeated,
  stringField,
} from './protobuf.ts'

/**
 * An OpenAPI 3 document in gnostic's protobuf form (openapi.v3.Document), which client-go asks for. The numbers are
 * those of gnostic's openapiv3/OpenAPIv3.proto. It is read as JSON, so that schemas of custom kinds may hold whatever
 * structural schemas do.
 */

const objectIn = (holder: JsonObject, name: string): JsonObject | undefined => {
  const value = holder[name]
  return isJsonObject(value) ? value : undefined
}
const textIn = (holder: JsonObject, name: string): string | undefined => {
  const value = holder[name]
  return typeof value === 'string' ? value : undefined
}
const numberIn = (holder: JsonObject, name: string): number | undefined => {
  const value = holder[name]
  return typeof value === 'number' ? value : undefined
}
const listIn = (holder: JsonObject, name: string): readonly unknown[] => {
  const value = holder[name]
  return Array.isArray(value) ? value : []
}
const objectsIn = (holder: JsonObject, name: string): JsonObject[] => listIn(holder, name).filter(isJsonObject)
const entriesOf = (holder: JsonObject | undefined): [string, JsonObject][] =>
  Object.entries(holder ?? {}).flatMap(([name, value]) => (isJsonObject(value) ? [[name, value]] : []))

/** An Any carries a value of no fixed type as YAML, and JSON is YAML. */
const any = (field: number, value: unknown): Buffer | undefined =>
  value === undefined ? undefined : messageField(field, [stringField(2, `${JSON.stringify(value)}\n`)])

const named = (field: number, name: string, value: Fields): Buffer =>
  messageField(field, [stringField(1, name), messageField(2, value)])

const extensions = (field: number, holder: JsonObject): Buffer | undefined =>
  repeated(
    Object.entries(holder).filter(([name, value]) => name.startsWith('x-') && value !== undefined),
    ([name, value]) => messageField(field, [stringField(1, name), any(2, value)]),
  )

/** SchemaOrReference: one of two. */
const schemaOrReference = (schema: JsonObject): Fields => [
  typeof schema['$ref'] === 'string'
    ? messageField(2, [stringField(1, schema['$ref'])])
    : messageField(1, schemaFields(schema)),
]

/** DefaultType holds scalars only; what is an object or a list has no form there, in upstream's either. */
const defaultOf = (value: unknown): Buffer | undefined => {
  switch (typeof value) {
    case 'number':
      return messageField(33, [doubleField(1, value)])
    case 'boolean':
      return messageField(33, [boolField(2, value)])
    case 'string':
      return messageField(33, [stringField(3, value)])
    default:
      return undefined
  }
}

const boundFields = (schema: JsonObject): Fields => [
  doubleField(10, numberIn(schema, 'multipleOf')),
  doubleField(11, numberIn(schema, 'maximum')),
  boolField(12, schema['exclusiveMaximum'] === true),
  doubleField(13, numberIn(schema, 'minimum')),
  boolField(14, schema['exclusiveMinimum'] === true),
  intField(15, numberIn(schema, 'maxLength')),
  intField(16, numberIn(schema, 'minLength')),
  stringField(17, textIn(schema, 'pattern')),
  intField(18, numberIn(schema, 'maxItems')),
  intField(19, numberIn(schema, 'minItems')),
  boolField(20, schema['uniqueItems'] === true),
  intField(21, numberIn(schema, 'maxProperties')),
  intField(22, numberIn(schema, 'minProperties')),
]

const schemaFields = (schema: JsonObject): Fields => {
  const { additionalProperties, items, properties, not } = schema
  const schemas = (field: number, name: string) =>
    repeated(objectsIn(schema, name), inner => messageField(field, schemaOrReference(inner)))
  return [
    boolField(1, schema['nullable'] === true),
    stringField(9, textIn(schema, 'title')),
    ...boundFields(schema),
    repeated(listIn(schema, 'required'), name => stringField(23, String(name))),
    repeated(listIn(schema, 'enum'), value => any(24, value)),
    stringField(25, textIn(schema, 'type')),
    schemas(26, 'allOf'),
    schemas(27, 'oneOf'),
    schemas(28, 'anyOf'),
    isJsonObject(not) ? messageField(29, schemaFields(not)) : undefined,
    isJsonObject(items) ? messageField(30, [messageField(1, schemaOrReference(items))]) : undefined,
    isJsonObject(properties)
      ? messageField(31, [repeated(entriesOf(properties), ([name, inner]) => named(1, name, schemaOrReference(inner)))])
      : undefined,
    isJsonObject(additionalProperties)
      ? messageField(32, [messageField(1, schemaOrReference(additionalProperties))])
      : typeof additionalProperties === 'boolean'
        ? messageField(32, [boolField(2, additionalProperties)])
        : undefined,
    defaultOf(schema['default']),
    stringField(34, textIn(schema, 'description')),
    stringField(35, textIn(schema, 'format')),
    extensions(36, schema),
  ]
}

const mediaTypes = (field: number, content: JsonObject | undefined): Buffer | undefined =>
  content === undefined
    ? undefined
    : messageField(field, [
        repeated(entriesOf(content), ([type, media]) =>
          named(1, type, [messageField(1, schemaOrReference(objectIn(media, 'schema') ?? {}))]),
        ),
      ])

const parameterFields = (parameter: JsonObject): Fields => [
  messageField(1, [
    stringField(1, textIn(parameter, 'name')),
    stringField(2, textIn(parameter, 'in')),
    stringField(3, textIn(parameter, 'description')),
    boolField(4, parameter['required'] === true),
    messageField(10, schemaOrReference(objectIn(parameter, 'schema') ?? {})),
  ]),
]

const operationFields = (operation: JsonObject): Fields => {
  const body = objectIn(operation, 'requestBody')
  return [
    repeated(listIn(operation, 'tags'), tag => stringField(1, String(tag))),
    stringField(3, textIn(operation, 'description')),
    stringField(5, textIn(operation, 'operationId')),
    repeated(objectsIn(operation, 'parameters'), parameter => messageField(6, parameterFields(parameter))),
    body === undefined
      ? undefined
      : messageField(7, [
          messageField(1, [mediaTypes(2, objectIn(body, 'content')), boolField(3, body['required'] === true)]),
        ]),
    messageField(8, [
      repeated(entriesOf(objectIn(operation, 'responses')), ([code, response]) =>
        named(2, code, [
          messageField(1, [
            stringField(1, textIn(response, 'description')),
            mediaTypes(3, objectIn(response, 'content')),
          ]),
        ]),
      ),
    ]),
    extensions(13, operation),
  ]
}

const methodFields: Readonly<Record<string, number>> = { get: 4, put: 5, post: 6, delete: 7, patch: 10 }

const pathFields = (item: JsonObject): Fields =>
  entriesOf(item).flatMap(([method, operation]) => {
    const field = methodFields[method]
    return field === undefined ? [] : [messageField(field, operationFields(operation))]
  })

/** The bytes of an openapi.v3.Document for a document as its JSON is. */
export const encodeOpenApiV3 = (document: JsonObject): Buffer => {
  const info = objectIn(document, 'info') ?? {}
  const schemas = objectIn(objectIn(document, 'components') ?? {}, 'schemas')
  return message([
    stringField(1, textIn(document, 'openapi')),
    messageField(2, [stringField(1, textIn(info, 'title')), stringField(6, textIn(info, 'version'))]),
    messageField(4, [
      repeated(entriesOf(objectIn(document, 'paths')), ([path, item]) => named(1, path, pathFields(item))),
    ]),
    messageField(5, [
      messageField(1, [repeated(entriesOf(schemas), ([name, schema]) => named(1, name, schemaOrReference(schema)))]),
    ]),
  ])
}
