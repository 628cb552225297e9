import { openApiDefinitions, refTo } from './openapi-definitions.ts'
import { operationsOf } from './openapi-operations.ts'
import { rootsOf } from './openapi-v2.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Operation } from './openapi-operations.ts'

const operationOf = (operation: Operation): object => {
  const { body, response } = operation
  const schema = (definition: string) => ({ schema: { $ref: refTo(definition, 'v3') } })
  return {
    tags: [operation.tag],
    description: operation.description,
    operationId: operation.operationId,
    parameters: operation.parameters.map(({ name, in: where, type, description }) => ({
      name,
      in: where,
      description,
      ...(where === 'path' ? { required: true } : {}),
      schema: { type, uniqueItems: true },
    })),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: Object.fromEntries(body.types.map(type => [type, schema(body.definition)])),
            ...(body.required ? { required: true } : {}),
          },
        }),
    responses: {
      200: {
        description: 'OK',
        ...(response === undefined ? {} : { content: { 'application/json': schema(response) } }),
      },
      401: { description: 'Unauthorized' },
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.gvk,
  }
}

/** One group version as an OpenAPI 3 document. `all` is the whole table: definitions are shared between groups. */
export const openApiV3 = (kinds: readonly Kind[], all: readonly Kind[], version: string): object => {
  const operations = kinds.flatMap(operationsOf)
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method] = operationOf(operation)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version },
    paths,
    components: { schemas: openApiDefinitions(rootsOf(operations), all, 'v3') },
  }
}
