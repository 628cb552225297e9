import { CelError } from '../../cel/cel-error.ts'
import { type CelType, celDyn, formatType, objectType } from '../../cel/cel-type.ts'
import { type CelProgram, type CompileOptions, compileCel } from '../../cel/compile.ts'
import type { Policy } from './policy.ts'
import { policyVariables } from './policy-variables.ts'

/** An expression, compiled or not. */
export type Compiled = { readonly expression: string } & (
  | { readonly program: CelProgram; readonly error?: undefined }
  | { readonly program?: undefined; readonly error: CelError }
)

/** A policy's expressions. A policy that was stored keeps expressions that cannot be compiled: they fail when they are asked. */
export interface PolicyPrograms {
  readonly matchConditions: readonly Compiled[]
  readonly variables: ReadonlyMap<string, Compiled>
  readonly validations: readonly Compiled[]
  /** One for each validation; undefined where it has no messageExpression. */
  readonly messages: readonly (Compiled | undefined)[]
  readonly auditAnnotations: readonly Compiled[]
}

const compile = (
  expression: string,
  variables: Readonly<Record<string, CelType>>,
  result: CompileOptions['result'],
): Compiled => {
  try {
    return { expression, program: compileCel(expression, { variables, result }) }
  } catch (error) {
    if (error instanceof CelError) return { expression, error }
    throw error
  }
}

/** An annotation's value may be null: then there is none. */
const compileAnnotation = (expression: string, variables: Readonly<Record<string, CelType>>): Compiled => {
  const compiled = compile(expression, variables, 'any')
  const type = compiled.program === undefined ? 'dyn' : formatType(compiled.program.resultType)
  if (/^(?:string|null|dyn)$/.test(type)) return compiled
  return { expression, error: new CelError('result', 'must evaluate to one of the types: [string null_type]') }
}

/** Match conditions, of a policy or a webhook. */
export const compileConditions = (
  conditions: readonly { readonly expression: string }[],
  variables: Readonly<Record<string, CelType>> = policyVariables(false),
): Compiled[] => conditions.map(({ expression }) => compile(expression, variables, 'bool'))

/** Compiles a policy; `objects` is the type of what it is for, dyn where it is for several or nobody knows. */
export const compilePolicy = (policy: Policy, objects: CelType = celDyn): PolicyPrograms => {
  const plain = policyVariables(policy.paramKind !== undefined, objects)
  const variables = new Map<string, Compiled>()
  const types = new Map<string, CelType>()
  // A variable sees those before it.
  const all = { ...plain, variables: objectType('kubernetes.variables', types) }
  for (const { name, expression } of policy.variables) {
    const compiled = compile(expression, all, 'any')
    variables.set(name, compiled)
    types.set(name, compiled.program?.resultType ?? celDyn)
  }
  const withoutAuthorizer = Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('authorizer')))
  return {
    matchConditions: compileConditions(policy.matchConditions, plain),
    variables,
    validations: policy.validations.map(({ expression }) => compile(expression, all, 'bool')),
    // What is told to whoever is refused must not depend on what others may do.
    messages: policy.validations.map(({ messageExpression }) =>
      messageExpression === '' ? undefined : compile(messageExpression, withoutAuthorizer, 'string'),
    ),
    auditAnnotations: policy.auditAnnotations.map(({ valueExpression }) => compileAnnotation(valueExpression, all)),
  }
}
