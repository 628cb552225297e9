import { openApiDefinitions, refTo } from './openapi-definitions.ts'
import { operationsOf } from './openapi-operations.ts'
import type { Kind } from '../kinds/kind.ts'
import type { OpenApiSchema } from './openapi-definitions.ts'
import type { Operation } from './openapi-operations.ts'

export interface V2Parameter {
  name: string
  in: 'query' | 'path' | 'body'
  description?: string
  required?: boolean
  type?: string
  uniqueItems?: boolean
  schema?: OpenApiSchema
}

export interface V2Operation {
  description: string
  consumes: readonly string[]
  produces: readonly string[]
  schemes: readonly string[]
  tags: readonly string[]
  operationId: string
  parameters: readonly V2Parameter[]
  responses: Record<string, { description: string; schema?: OpenApiSchema }>
  [extension: `x-${string}`]: unknown
}

export interface V2Document {
  swagger: '2.0'
  info: { title: string; version: string }
  paths: Record<string, Record<string, V2Operation>>
  definitions: Record<string, OpenApiSchema>
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
/** Definitions that no kind refers to and clients look for. */
export const extraDefinitions: readonly string[] = [
  `${meta}.APIGroup`,
  `${meta}.APIGroupList`,
  `${meta}.APIResourceList`,
  `${meta}.APIVersions`,
  `${meta}.DeleteOptions`,
  `${meta}.Patch`,
  `${meta}.Status`,
]

/** Every definition that the operations name, besides the extra ones. */
export const rootsOf = (operations: readonly Operation[]): string[] => [
  ...new Set([
    ...extraDefinitions,
    ...operations.flatMap(({ body, response }) => [body?.definition ?? [], response ?? []].flat()),
  ]),
]

const operationOf = (operation: Operation): V2Operation => {
  const { body, response } = operation
  const parameters: V2Parameter[] = operation.parameters.map(({ name, in: where, type, description }) => ({
    name,
    in: where,
    description,
    type,
    uniqueItems: true,
    ...(where === 'path' ? { required: true } : {}),
  }))
  if (body !== undefined)
    parameters.unshift({
      name: 'body',
      in: 'body',
      ...(body.required ? { required: true } : {}),
      schema: { $ref: refTo(body.definition, 'v2') },
    })
  return {
    description: operation.description,
    consumes: body?.types ?? ['*/*'],
    produces: response === undefined ? ['*/*'] : ['application/json'],
    schemes: ['https'],
    tags: [operation.tag],
    operationId: operation.operationId,
    parameters,
    responses: {
      200: { description: 'OK', ...(response === undefined ? {} : { schema: { $ref: refTo(response, 'v2') } }) },
      401: { description: 'Unauthorized' },
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.gvk,
  }
}

/** The whole API as one OpenAPI 2 document. */
export const openApiV2 = (kinds: readonly Kind[], version: string): V2Document => {
  const operations = kinds.flatMap(operationsOf)
  const paths: V2Document['paths'] = {}
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method] = operationOf(operation)
  const definitions = openApiDefinitions(rootsOf(operations), kinds, 'v2')
  return { swagger: '2.0', info: { title: 'Kubernetes', version }, paths, definitions }
}
