import { equalJson, getKey, isJsonObject } from '../../../kube/patch/json-value.ts'
import { CelError } from '../cel/cel-error.ts'
import type { CelBudget } from '../cel/cost.ts'
import { duplicate, forbidden, invalid, required } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { parseFieldPath } from './field-path.ts'
import { childOf, joinPath, type JsonSchema, propertyOf } from './json-schema.ts'
import { type CompiledRule, type CompiledRules, ruleEngine } from './rules.ts'
import { correlate } from './validate-value.ts'

interface Run {
  rules: CompiledRules
  budget: CelBudget
  errors: FieldError[]
}

interface Place {
  path: string
  /** What stood there before; undefined: nothing, or nobody can tell. */
  old: unknown
}

const messageOf = ({ rule }: CompiledRule): string => {
  const text = (rule.message ?? '').trim()
  return text === '' ? `failed rule: ${rule.rule.trim()}` : text
}

const isObjectOrList = (value: unknown): boolean => typeof value === 'object' && value !== null

/** An object or list is not shown: it may be long. */
const ruleError = (compiled: CompiledRule, path: string, value: unknown, detail: string): FieldError => {
  switch (compiled.rule.reason) {
    case 'FieldValueForbidden':
      return forbidden(path, detail)
    case 'FieldValueRequired':
      return required(path, detail)
    case 'FieldValueDuplicate':
      return duplicate(path, isObjectOrList(value) ? '' : value)
    default:
      return isObjectOrList(value)
        ? { reason: 'FieldValueInvalid', field: path, message: `Invalid value: ${detail}` }
        : invalid(path, value, detail)
  }
}

const failureText = (error: CelError, compiled: CompiledRule): string => {
  const rule = messageOf(compiled)
  if (error.code === 'cost')
    return `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${rule}`
  if (error.message.startsWith('no such overload'))
    return `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${rule}`
  return `${error.message} evaluating rule: ${rule}`
}

/** What the messageExpression gives, unless it fails or gives nothing to be shown. */
const detailOf = (compiled: CompiledRule, variables: Record<string, unknown>, budget: CelBudget): string => {
  if (compiled.message === undefined) return messageOf(compiled)
  try {
    const text = String(compiled.message.evaluate(variables, budget)).trim()
    return text === '' || /[\n\r]/.test(text) || text.length > 5120 ? messageOf(compiled) : text
  } catch (error) {
    if (!(error instanceof CelError) || error.code === 'budget') throw error
    return messageOf(compiled)
  }
}

const variablesFor = (compiled: CompiledRule, value: unknown, old: unknown): Record<string, unknown> => {
  if (!compiled.usesOldSelf) return { self: value, ...(old === undefined ? {} : { oldSelf: old }) }
  if (compiled.rule.optionalOldSelf !== true) return { self: value, oldSelf: old }
  const { CelOptional, fromJson } = ruleEngine()
  const before = old === undefined ? undefined : fromJson(old, compiled.selfType)
  return { self: value, oldSelf: new CelOptional(before) }
}

const runRule = (compiled: CompiledRule, value: unknown, schema: JsonSchema, place: Place, run: Run): void => {
  const { path, old } = place
  const transition = compiled.usesOldSelf
  if (transition && old === undefined && compiled.rule.optionalOldSelf !== true) return
  // Unchanged values keep what they may have from before the rule was made (ratcheting).
  if (!transition && old !== undefined && equalJson(value, old)) return
  const variables = variablesFor(compiled, value, old)
  const at = compiled.rule.fieldPath === undefined ? '' : (parseFieldPath(compiled.rule.fieldPath, schema)?.path ?? '')
  const where = path === '' ? at.replace(/^\./, '') : `${path}${at}`
  try {
    if (compiled.program.evaluate(variables, run.budget) === true) return
    run.errors.push(ruleError(compiled, where, value, detailOf(compiled, variables, run.budget)))
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    if (error.code === 'budget') throw error
    run.errors.push(ruleError(compiled, path, value, failureText(error, compiled)))
  }
}

const visit = (value: unknown, schema: JsonSchema, place: Place, run: Run): void => {
  if (value === null || value === undefined) return
  for (const compiled of run.rules.get(schema) ?? []) runRule(compiled, value, schema, place, run)
  const { path, old } = place
  if (Array.isArray(value)) {
    const { items } = schema
    if (items === undefined) return
    value.forEach((item, index) =>
      visit(item, items, { path: `${path}[${index}]`, old: correlate(item, { schema, old }) }, run),
    )
    return
  }
  if (!isJsonObject(value)) return
  for (const name of Object.keys(value)) {
    const child = childOf(schema, name)
    if (child === undefined) continue
    const below = propertyOf(schema, name) === undefined ? `${path}[${name}]` : joinPath(path, name)
    visit(value[name], child, { path: below, old: isJsonObject(old) ? getKey(old, name) : undefined }, run)
  }
}

/** Runs every rule on the object, within the cost that one request may have. (Upstream: cel.Validator.) */
export const ruleErrors = (
  value: unknown,
  schema: JsonSchema,
  { rules, old }: { rules: CompiledRules; old: unknown },
): FieldError[] => {
  if (rules.size === 0) return []
  const { CelBudget } = ruleEngine()
  const run: Run = { rules, budget: new CelBudget(), errors: [] }
  try {
    visit(value, schema, { path: '', old }, run)
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    run.errors.push({ reason: 'FieldValueInvalid', field: '<nil>', message: `Invalid value: ${error.message}` })
  }
  // The object itself has no path.
  return run.errors.map(error => (error.field === '' ? { ...error, field: '<nil>' } : error))
}
