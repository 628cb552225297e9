import type { CelType } from '../cel/cel-type.ts'
import { celDyn, optionalType } from '../cel/cel-type.ts'
import type { CelProgram } from '../cel/compile.ts'
import type * as Engine from '../cel/compile.ts'
import type * as Cost from '../cel/cost.ts'
import type * as FromJson from '../cel/from-json.ts'
import type * as Values from '../cel/value.ts'
import { isEmbedded, type JsonSchema, type ValidationRule, walkSchema } from './json-schema.ts'
import { celTypeOf } from './rule-types.ts'

/** A rule of x-kubernetes-validations, ready to run. */
export interface CompiledRule {
  rule: ValidationRule
  program: CelProgram
  message: CelProgram | undefined
  selfType: CelType
  /** It compares with what was there before: it runs on updates alone, unless it says that it takes an optional. */
  usesOldSelf: boolean
}

interface Loaded {
  compileCel: typeof Engine.compileCel
  CelBudget: typeof Cost.CelBudget
  CelOptional: typeof Values.CelOptional
  fromJson: typeof FromJson.fromJson
}

let loaded: Loaded | undefined

/** The engine is loaded with the first schema that has a rule. Nothing here works before. */
export const loadRules = async (): Promise<void> => {
  if (loaded !== undefined) return
  const [{ compileCel }, { CelBudget }, { CelOptional }, { fromJson }] = await Promise.all([
    import('../cel/compile.ts'),
    import('../cel/cost.ts'),
    import('../cel/value.ts'),
    import('../cel/from-json.ts'),
  ])
  loaded = { compileCel, CelBudget, CelOptional, fromJson }
}

export const rulesAreLoaded = (): boolean => loaded !== undefined

/** Throws TypeError where `loadRules` was not waited for: a mistake of the caller. */
export const ruleEngine = (): Loaded => {
  if (loaded === undefined) throw new TypeError('the rules of custom resources were not loaded')
  return loaded
}

/** Strings in an expression may say anything. */
const mentionsOldSelf = (expression: string): boolean =>
  /\boldSelf\b/.test(expression.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, ''))

/** The variables of a rule on this part of the schema. */
const variablesOf = (schema: JsonSchema, root: boolean, rule: ValidationRule): Record<string, CelType> => {
  const self = selfTypeOf(schema, root)
  if (!mentionsOldSelf(`${rule.rule} ${rule.messageExpression ?? ''}`)) return { self }
  return { self, oldSelf: rule.optionalOldSelf === true ? optionalType(self) : self }
}

/** Throws CelError, `compile` or `result`. */
export const compileRule = (schema: JsonSchema, root: boolean, rule: ValidationRule): CelProgram =>
  ruleEngine().compileCel(rule.rule, { variables: variablesOf(schema, root, rule), result: 'bool' })

/** Of a messageExpression; undefined where there is none. Throws CelError. */
export const compileMessage = (schema: JsonSchema, root: boolean, rule: ValidationRule): CelProgram | undefined =>
  rule.messageExpression === undefined || rule.messageExpression.trim() === ''
    ? undefined
    : ruleEngine().compileCel(rule.messageExpression, { variables: variablesOf(schema, root, rule), result: 'string' })

/** What `self` is of this part. */
export const selfTypeOf = (schema: JsonSchema, root: boolean): CelType =>
  celTypeOf(schema, root || isEmbedded(schema)) ?? celDyn

export const usesOldSelf = (rule: ValidationRule): boolean => mentionsOldSelf(rule.rule)

export type CompiledRules = ReadonlyMap<JsonSchema, readonly CompiledRule[]>

/** The rules of every part of a schema that was validated. */
export const compileRules = (schema: JsonSchema): CompiledRules => {
  const rules = new Map<JsonSchema, CompiledRule[]>()
  walkSchema(schema, part => {
    const own = part['x-kubernetes-validations'] ?? []
    if (own.length === 0) return
    const root = part === schema
    rules.set(
      part,
      own.map(rule => ({
        rule,
        program: compileRule(part, root, rule),
        message: compileMessage(part, root, rule),
        selfType: selfTypeOf(part, root),
        usesOldSelf: usesOldSelf(rule),
      })),
    )
  })
  return rules
}
