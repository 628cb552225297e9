import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { CelError } from '../cel/cel-error.ts'
import { invalid, notSupported, required } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { type JsonSchema, propertyOf, type ValidationRule, valuesOf } from './json-schema.ts'
import { parseFieldPath } from './field-path.ts'
import { compileMessage, compileRule, usesOldSelf } from './rules.ts'

interface Place {
  path: string
  root: boolean
  /** The outermost part above whose old value cannot be told; undefined: it can. */
  uncorrelatable: string | undefined
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

const hasNewlines = (text: string): boolean => /[\n\r]/.test(text)

const textErrors = (rule: ValidationRule, schema: JsonSchema, path: string): FieldError[] => {
  const { message = '', messageExpression = '', fieldPath = '', reason } = rule
  const errors: FieldError[] = []
  const at = (field: string) => `${path}.${field}`
  if (rule.rule === undefined || rule.rule.trim() === '') errors.push(required(at('rule'), 'rule is not specified'))
  else if (message !== '' && message.trim() === '')
    errors.push(invalid(at('message'), message, 'message must be non-empty if specified'))
  else if (hasNewlines(message.trim()))
    errors.push(invalid(at('message'), message, 'message must not contain line breaks'))
  else if (hasNewlines(rule.rule.trim()) && message.trim() === '')
    errors.push(required(at('message'), 'message must be specified if rule contains line breaks'))
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(required(at('messageExpression'), 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(at('reason'), reason, reasons))
  if (fieldPath !== '' && fieldPath.trim() === '')
    errors.push(invalid(at('fieldPath'), fieldPath, 'fieldPath must be non-empty if specified'))
  if (hasNewlines(fieldPath)) errors.push(invalid(at('fieldPath'), fieldPath, 'fieldPath must not contain line breaks'))
  if (fieldPath !== '' && parseFieldPath(fieldPath, schema) === undefined)
    errors.push(invalid(at('fieldPath'), fieldPath, 'fieldPath must be a valid path'))
  return errors
}

const compileErrors = (field: string, rule: ValidationRule, compile: () => unknown): FieldError[] => {
  try {
    compile()
    return []
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    const message = field.endsWith('messageExpression')
    if (error.code === 'result')
      return [invalid(field, rule, message ? 'messageExpression must evaluate to a string' : 'must evaluate to a bool')]
    return [
      invalid(
        field,
        rule,
        `${message ? 'messageExpression compilation failed' : 'compilation failed'}: ${error.message}`,
      ),
    ]
  }
}

const oldSelfErrors = (rule: ValidationRule, { path, uncorrelatable }: Place): FieldError[] => {
  if (!usesOldSelf(rule))
    return rule.optionalOldSelf === undefined
      ? []
      : [invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule')]
  return uncorrelatable === undefined
    ? []
    : [
        invalid(
          `${path}.rule`,
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`,
        ),
      ]
}

const ownErrors = (schema: JsonSchema, place: Place): FieldError[] =>
  (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) => {
    const path = `${place.path}.x-kubernetes-validations[${i}]`
    const texts = textErrors(rule, schema, path)
    if (texts.length > 0) return texts
    return [
      ...compileErrors(`${path}.rule`, rule, () => compileRule(schema, place.root, rule)),
      ...compileErrors(`${path}.messageExpression`, rule, () => compileMessage(schema, place.root, rule)),
      ...oldSelfErrors(rule, { ...place, path }),
    ]
  })

const walk = (schema: JsonSchema, place: Place): FieldError[] => {
  const { path } = place
  const below = (part: string, uncorrelatable: string | undefined): Place => ({
    path: `${path}.${part}`,
    root: false,
    uncorrelatable: place.uncorrelatable ?? uncorrelatable,
  })
  // Parts of what is replaced as a whole have no old value of their own.
  const atomicMap = schema['x-kubernetes-map-type'] === 'atomic' ? path : undefined
  const atomicList = schema['x-kubernetes-list-type'] === 'map' ? undefined : path
  const values = valuesOf(schema)
  return [
    ...ownErrors(schema, place),
    ...Object.keys(schema.properties ?? {}).flatMap(name =>
      walk(propertyOf(schema, name) ?? {}, below(`properties[${name}]`, atomicMap)),
    ),
    ...(values === undefined ? [] : walk(values, below('additionalProperties', atomicMap))),
    ...(isJsonObject(schema.items) ? walk(schema.items, below('items', atomicList)) : []),
  ]
}

/** What is wrong with the rules of a schema that is right otherwise, with the compiler's words. */
export const ruleDefinitionErrors = (schema: JsonSchema, path: string): FieldError[] =>
  walk(schema, { path, root: true, uncorrelatable: undefined })
