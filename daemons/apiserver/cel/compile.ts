import { CelError, compileError } from './cel-error.ts'
import type { CelType } from './cel-type.ts'
import { formatType, isDyn } from './cel-type.ts'
import { CompileContext } from './compile-context.ts'
import { compileExpression } from './compile-expression.ts'
import type { CelBudget } from './cost.ts'
import { CostMeter, perCallLimit } from './cost.ts'
import { parseExpression } from './expression.ts'
import { fromJson } from './from-json.ts'
import { kubernetesLibrary } from './library/kubernetes-library.ts'
import type { CelValue } from './value.ts'

/** A compiled expression. It keeps no state: it may be evaluated as often as one likes. */
export interface CelProgram {
  /** What it gives: dyn where that is only known when it runs. */
  readonly resultType: CelType
  /**
   * Evaluates on JSON values (or CelValues) by name; those that are left out are `no such attribute(s)` where they are
   * read. Throws CelError: `runtime`, `cost` (this evaluation cost too much), `budget` (the request did).
   */
  evaluate(variables: Readonly<Record<string, unknown>>, budget?: CelBudget): CelValue
}

export interface CompileOptions {
  readonly variables: Readonly<Record<string, CelType>>
  /** What the expression must give. */
  readonly result: 'bool' | 'string' | 'any'
}

const budgetMessage = 'validation failed due to running out of cost budget, no further validation rules will be run'

/** A result that is dyn is looked at when it is there; null stands for `no message` where a text may be left out. */
const checkResult = (type: CelType, wanted: CompileOptions['result']): void => {
  if (wanted === 'any' || isDyn(type) || formatType(type) === wanted) return
  throw new CelError('result', `must evaluate to ${wanted === 'bool' ? 'bool' : 'string'}`)
}

const evaluateWithin = <T>(meter: CostMeter, budget: CelBudget | undefined, run: () => T): T => {
  if (budget !== undefined && budget.remaining < 0) throw new CelError('budget', budgetMessage)
  let result: T
  try {
    result = run()
  } finally {
    if (budget !== undefined) budget.remaining -= meter.cost
  }
  if (budget !== undefined && budget.remaining < 0) throw new CelError('budget', budgetMessage)
  return result
}

/**
 * Compiles an expression of Kubernetes' dialect of CEL (v1.34). Throws CelError: `compile` with upstream's text
 * (`ERROR: <input>:1:1: undeclared reference to 'x' (in container '')`, the line, and a caret), or `result`.
 */
export const compileCel = (expression: string, options: CompileOptions): CelProgram => {
  const parsed = parseExpression(expression)
  if (parsed.expression === undefined || parsed.issues.length > 0) throw compileError(expression, parsed.issues)
  const types = new Map(Object.entries(options.variables))
  const context = new CompileContext({ issues: [], functions: kubernetesLibrary(), globals: types })
  const compiled = compileExpression(parsed.expression, context)
  if (context.issues.length > 0) throw compileError(expression, context.issues)
  checkResult(compiled.type, options.result)
  return {
    resultType: compiled.type,
    evaluate(variables, budget) {
      const globals = new Map<string, CelValue>()
      for (const [name, type] of types) {
        const value = Object.hasOwn(variables, name) ? variables[name] : undefined
        if (value !== undefined) globals.set(name, fromJson(value, type))
      }
      const meter = new CostMeter(perCallLimit)
      const result = evaluateWithin(meter, budget, () => compiled.step({ globals, locals: [], meter }))
      if (options.result !== 'any' && typeof result !== (options.result === 'bool' ? 'boolean' : 'string'))
        throw new CelError('runtime', `must evaluate to ${options.result}`)
      return result
    },
  }
}
