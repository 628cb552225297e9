import { CelError } from '../../cel/cel-error.ts'
import { CelBudget, matchConditionsBudget } from '../../cel/cost.ts'
import { CelLazyObject, type CelValue } from '../../cel/value.ts'
import type { Policy } from './policy.ts'
import type { Compiled, PolicyPrograms } from './policy-programs.ts'

/** What one evaluation came to. */
export interface Decision {
  readonly action: 'admit' | 'deny'
  readonly message: string
  /** '' is Invalid. */
  readonly reason: string
}

export type Annotation =
  | { readonly kind: 'publish'; readonly key: string; readonly value: string }
  | { readonly kind: 'deny'; readonly message: string }

export interface PolicyResult {
  readonly decisions: readonly Decision[]
  readonly annotations: readonly Annotation[]
}

type Values = Readonly<Record<string, unknown>>

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run'
const messageBytes = 5 * 1024

/** Ends the policy: nothing more of it is evaluated. */
class OutOfBudget extends Error {}

/** Evaluates one expression. Throws Error in upstream's words, or OutOfBudget. */
const evaluate = ({ expression, program, error }: Compiled, values: Values, budget: CelBudget): CelValue => {
  if (error !== undefined) throw new Error(`compilation error: ${compilationText(error)}`)
  try {
    return program.evaluate(values, budget)
  } catch (cause) {
    if (!(cause instanceof CelError)) throw cause
    if (cause.code === 'budget' || cause.code === 'cost') throw new OutOfBudget(outOfBudget)
    throw new Error(`expression '${expression}' resulted in error: ${cause.message}`, { cause })
  }
}

/** What is wrong with an expression, as validation and failures tell it. */
export const compilationText = (error: CelError): string =>
  error.code === 'result' ? error.message : `compilation failed: ${error.message}`

/** The policy's variables: each is worked out when it is first read, once for all expressions. */
const lazyVariables = (programs: PolicyPrograms, values: Values, budget: CelBudget): Values => {
  const makers = new Map<string, () => CelValue>()
  const all = { ...values, variables: new CelLazyObject('kubernetes.variables', makers) }
  for (const [name, compiled] of programs.variables)
    makers.set(name, () => {
      if (compiled.error !== undefined)
        throw new CelError(
          'runtime',
          `composited variable ${JSON.stringify(name)} fails to compile: ${compiled.error.message}`,
        )
      try {
        return compiled.program.evaluate(all, budget)
      } catch (cause) {
        if (!(cause instanceof CelError) || cause.code !== 'runtime') throw cause
        throw new CelError(
          'runtime',
          `composited variable ${JSON.stringify(name)} fails to evaluate: ${cause.message}`,
          cause,
        )
      }
    })
  return all
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Whether all conditions hold: one that is false settles it, whatever is wrong with the others. Throws Error. */
export const conditionsHold = (conditions: readonly Compiled[], values: Values): boolean => {
  const budget = new CelBudget(matchConditionsBudget)
  const errors: string[] = []
  for (const condition of conditions) {
    try {
      if (evaluate(condition, values, budget) === false) return false
    } catch (error) {
      errors.push(messageOf(error))
    }
  }
  if (errors.length === 0) return true
  throw new Error(errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`)
}

/** The text of a refusal: the message expression's, where it is one short line; else the message; else the expression. */
const refusalText = (policy: Policy, index: number, told: CelValue | undefined): string => {
  const { message = '', expression = '' } = policy.validations[index] ?? {}
  const dynamic = typeof told === 'string' ? told.trim() : ''
  if (dynamic !== '' && Buffer.byteLength(dynamic) <= messageBytes && !dynamic.includes('\n')) return dynamic
  return message === '' ? `failed expression: ${expression.trim()}` : message.trim()
}

const tellMessage = (message: Compiled | undefined, values: Values, budget: CelBudget): CelValue | undefined => {
  if (message === undefined) return undefined
  try {
    return evaluate(message, values, budget)
  } catch (error) {
    if (error instanceof OutOfBudget) throw new OutOfBudget(`failed messageExpression: ${error.message}`)
    return undefined
  }
}

const decide = (
  policy: Policy,
  programs: PolicyPrograms,
  { values, budget }: { values: Values; budget: CelBudget },
): Decision[] =>
  programs.validations.map((validation, index): Decision => {
    try {
      if (evaluate(validation, values, budget) === true) return { action: 'admit', message: '', reason: '' }
      const message = refusalText(policy, index, tellMessage(programs.messages[index], values, budget))
      return { action: 'deny', message, reason: policy.validations[index]?.reason ?? '' }
    } catch (error) {
      if (error instanceof OutOfBudget && error.message === outOfBudget) throw error
      return failure(policy, error)
    }
  })

const failure = (policy: Policy, error: unknown): Decision => ({
  action: policy.ignoresFailure ? 'admit' : 'deny',
  message: messageOf(error),
  reason: '',
})

const annotate = (policy: Policy, programs: PolicyPrograms, values: Values): Annotation[] => {
  const budget = new CelBudget()
  return programs.auditAnnotations.flatMap((compiled, index): Annotation[] => {
    try {
      const value = evaluate(compiled, values, budget)
      if (value !== null && typeof value !== 'string')
        throw new Error(
          `valueExpression '${compiled.expression}' resulted in unsupported return type: ${typeof value}. Return type must be either string or null.`,
        )
      const text = (value ?? '').trim()
      return text === '' ? [] : [{ kind: 'publish', key: policy.auditAnnotations[index]?.key ?? '', value: text }]
    } catch (error) {
      return policy.ignoresFailure ? [] : [{ kind: 'deny', message: messageOf(error) }]
    }
  })
}

/** Evaluates a policy on one request with one set of parameters. */
export const evaluatePolicy = (policy: Policy, programs: PolicyPrograms, values: Values): PolicyResult => {
  try {
    if (!conditionsHold(programs.matchConditions, values)) return { decisions: [], annotations: [] }
    const budget = new CelBudget()
    const all = lazyVariables(programs, values, budget)
    return {
      decisions: decide(policy, programs, { values: all, budget }),
      annotations: annotate(policy, programs, all),
    }
  } catch (error) {
    return { decisions: [failure(policy, error)], annotations: [] }
  }
}
