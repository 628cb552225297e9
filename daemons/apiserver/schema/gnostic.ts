import { boolField, message, messageField, repeated, stringField } from './protobuf.ts'
import type { OpenApiSchema } from './openapi-definitions.ts'
import type { V2Document, V2Operation, V2Parameter } from './openapi-v2.ts'
import type { Fields } from './protobuf.ts'

/**
 * The OpenAPI 2 document in gnostic's protobuf form (openapi.v2.Document), which kubectl up to 1.27 asks for. The
 * numbers are those of gnostic's openapiv2/OpenAPIv2.proto.
 */

/** An Any: gnostic carries values of no fixed type as YAML, and JSON is YAML. */
const any = (field: number, value: unknown): Buffer | undefined =>
  value === undefined ? undefined : messageField(field, [stringField(2, `${JSON.stringify(value)}\n`)])

const named = (field: number, name: string, value: Fields): Buffer =>
  messageField(field, [stringField(1, name), messageField(2, value)])

const extensions = (field: number, holder: object): Buffer | undefined =>
  repeated(
    Object.entries(holder).filter(([name, value]) => name.startsWith('x-') && value !== undefined),
    ([name, value]) => messageField(field, [stringField(1, name), any(2, value)]),
  )

const schemaFields = (schema: OpenApiSchema): Fields => [
  stringField(1, schema.$ref),
  stringField(2, schema.format),
  stringField(4, schema.description),
  any(5, schema.default),
  repeated(schema.required, name => stringField(19, name)),
  typeof schema.additionalProperties !== 'object'
    ? undefined
    : messageField(21, [messageField(1, schemaFields(schema.additionalProperties))]),
  schema.type === undefined ? undefined : messageField(22, [stringField(1, schema.type)]),
  schema.items === undefined ? undefined : messageField(23, [messageField(1, schemaFields(schema.items))]),
  schema.properties === undefined
    ? undefined
    : messageField(25, [
        repeated(Object.entries(schema.properties), ([name, property]) => named(1, name, schemaFields(property))),
      ]),
  extensions(31, schema),
]

const bodyParameter = (parameter: V2Parameter): Buffer =>
  messageField(1, [
    stringField(1, parameter.description),
    stringField(2, parameter.name),
    stringField(3, 'body'),
    boolField(4, parameter.required),
    messageField(5, schemaFields(parameter.schema ?? {})),
  ])

/** Query and path parameters are two messages whose fields differ by one from `type` on. */
const plainParameter = (parameter: V2Parameter): Buffer => {
  const common = [
    boolField(1, parameter.required),
    stringField(2, parameter.in),
    stringField(3, parameter.description),
    stringField(4, parameter.name),
  ]
  return messageField(2, [
    parameter.in === 'query'
      ? messageField(3, [...common, stringField(6, parameter.type), boolField(20, parameter.uniqueItems)])
      : messageField(4, [...common, stringField(5, parameter.type), boolField(19, parameter.uniqueItems)]),
  ])
}

const parameterItem = (parameter: V2Parameter): Buffer =>
  messageField(8, [messageField(1, [parameter.in === 'body' ? bodyParameter(parameter) : plainParameter(parameter)])])

const responses = (operation: V2Operation): Buffer =>
  messageField(9, [
    repeated(Object.entries(operation.responses), ([code, { description, schema }]) =>
      named(1, code, [
        messageField(1, [
          stringField(1, description),
          schema === undefined ? undefined : messageField(2, [messageField(1, schemaFields(schema))]),
        ]),
      ]),
    ),
  ])

const operationFields = (operation: V2Operation): Fields => [
  repeated(operation.tags, tag => stringField(1, tag)),
  stringField(3, operation.description),
  stringField(5, operation.operationId),
  repeated(operation.produces, type => stringField(6, type)),
  repeated(operation.consumes, type => stringField(7, type)),
  repeated(operation.parameters, parameterItem),
  responses(operation),
  repeated(operation.schemes, scheme => stringField(10, scheme)),
  extensions(13, operation),
]

const methodFields: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 }

/** The bytes of an openapi.v2.Document. */
export const encodeOpenApiV2 = (document: V2Document): Buffer =>
  message([
    stringField(1, document.swagger),
    messageField(2, [stringField(1, document.info.title), stringField(2, document.info.version)]),
    messageField(8, [
      repeated(Object.entries(document.paths), ([path, methods]) =>
        named(
          2,
          path,
          Object.entries(methods).map(([method, operation]) =>
            messageField(methodFields[method] ?? 0, operationFields(operation)),
          ),
        ),
      ),
    ]),
    messageField(9, [
      repeated(Object.entries(document.definitions), ([name, schema]) => named(1, name, schemaFields(schema))),
    ]),
  ])
