import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { apiError } from '../../../kube/status.ts'
import { checkFields } from '../schema/check.ts'
import type { JsonSchema } from './json-schema.ts'

const jsonSchemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'

const checkOne = (schema: unknown): void => {
  const findings = checkFields(schema, jsonSchemaProps)
  const wrong = findings.find(({ kind }) => kind === 'type')
  if (wrong === undefined && isJsonObject(schema)) return checkNestedSchemas(schema as JsonSchema)
  throw apiError(
    'BadRequest',
    `CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: ${wrong?.message ?? 'json: cannot unmarshal into Go value of type v1.JSONSchemaProps'}`,
  )
}

/**
 * `items` and `additionalProperties` may be of several types, so that the definition's own schema takes anything there:
 * here they are made sure to be schemas. Throws ApiError BadRequest.
 */
export const checkNestedSchemas = (schema: JsonSchema): void => {
  const { items, additionalProperties, not } = schema
  for (const one of Array.isArray(items) ? (items as unknown[]) : items === undefined ? [] : [items]) checkOne(one)
  if (additionalProperties !== undefined && typeof additionalProperties !== 'boolean') checkOne(additionalProperties)
  if (not !== undefined) checkNestedSchemas(not)
  for (const property of Object.values(schema.properties ?? {})) checkNestedSchemas(property)
  for (const nested of [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])])
    checkNestedSchemas(nested)
}
