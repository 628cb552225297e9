import { CelError } from './cel-error.ts'
import type { CelType } from './cel-type.ts'
import { celBool, celDyn, celErrorType, formatType, isDyn } from './cel-type.ts'
import type { Compiled, Step } from './compile-context.ts'
import type { Expression } from './expression.ts'
import type { Overload } from './function-table.ts'
import { isPattern } from './library/regex.ts'
import { parseDuration, parseTimestamp } from './time-text.ts'
import { isAssignable, joinTypes, substitute } from './unify.ts'
import type { CelValue } from './value.ts'
import { CelOptional, isOfType, typeNameOf } from './value.ts'

export interface Resolved {
  readonly overloads: readonly Overload[]
  readonly result: CelType
}

const sameType = (a: CelType, b: CelType): boolean => formatType(a) === formatType(b)

/** The overloads that the arguments' types allow, and the type of what they give: dyn where they do not agree. */
export const resolveOverloads = (
  overloads: readonly Overload[],
  method: boolean,
  types: readonly CelType[],
): Resolved | undefined => {
  const fitting: Overload[] = []
  let result: CelType | undefined
  for (const overload of overloads) {
    if (overload.method !== method || overload.params.length !== types.length) continue
    const bindings = new Map<string, CelType>()
    if (!overload.params.every((param, index) => isAssignable(bindings, param, types[index] ?? celDyn))) continue
    fitting.push(overload)
    const given = substitute(overload.result, bindings)
    result = result === undefined || sameType(result, given) ? given : celDyn
  }
  return result === undefined ? undefined : { overloads: fitting, result }
}

/** `found no matching overload for '_+_' applied to '(int, string)'`; a method's receiver stands before the dot. */
export const noOverloadMessage = (name: string, method: boolean, types: readonly CelType[]): string => {
  const names = types.map(formatType)
  const shown = method ? `${names[0]}.(${names.slice(1).join(', ')})` : `(${names.join(', ')})`
  return `found no matching overload for '${name}' applied to '${shown}'`
}

const noOverloadAtRuntime = (name: string, args: readonly CelValue[]): CelError =>
  new CelError('runtime', `no such overload: ${name}(${args.map(typeNameOf).join(', ')})`)

/** Runs the overload that fits the values: a failure of an argument is the call's. */
export const callStep = (name: string, resolved: Resolved, steps: readonly Step[]): Step => {
  const { overloads } = resolved
  return frame => {
    const args = steps.map(step => step(frame))
    const overload = overloads.find(({ params }) =>
      params.every((param, index) => isOfType(args[index] ?? null, param)),
    )
    if (overload === undefined) throw noOverloadAtRuntime(name, args)
    // What a call may cost is known before it runs, but for the size of its result.
    const known = overload.cost?.(args, null) ?? 1
    frame.meter.charge(known)
    const result = overload.run(...args)
    const whole = overload.cost?.(args, result) ?? 1
    if (whole > known) frame.meter.charge(whole - known)
    return result
  }
}

const boolOrThrow = (value: CelValue): boolean => {
  if (typeof value === 'boolean') return value
  throw new CelError('runtime', 'no such overload')
}

const isFatal = (error: unknown): boolean => !(error instanceof CelError) || error.code !== 'runtime'

/** `&&` and `||`: one side that decides makes a failure of the other not matter. */
export const logicStep = (decides: boolean, left: Step, right: Step): Step => {
  return frame => {
    let failure: unknown
    try {
      if (boolOrThrow(left(frame)) === decides) return decides
    } catch (error) {
      if (isFatal(error)) throw error
      failure = error
    }
    if (boolOrThrow(right(frame)) === decides) return decides
    if (failure !== undefined) throw failure
    return !decides
  }
}

export const ternaryStep = (condition: Step, yes: Step, no: Step): Step => {
  return frame => (boolOrThrow(condition(frame)) ? yes(frame) : no(frame))
}

export const ternaryType = (types: readonly CelType[]): CelType | undefined => {
  const [condition = celDyn, yes = celDyn, no = celDyn] = types
  if (!isDyn(condition) && !sameType(condition, celBool)) return undefined
  return joinTypes(yes, no)
}

/** `a.or(b)` and `a.orValue(b)` look at b only where a is empty. */
export const optionalElse = (target: Compiled, other: Compiled, method: 'or' | 'orValue'): Compiled | undefined => {
  const { type } = target
  if (type.kind !== 'optional' && !isDyn(type)) return undefined
  const value = type.kind === 'optional' ? type.value : celDyn
  const wanted: CelType = method === 'or' ? { kind: 'optional', value } : value
  const joined = joinTypes(wanted, other.type)
  if (joined === undefined) return undefined
  return {
    type: joined,
    step: frame => {
      const given = target.step(frame)
      frame.meter.charge(1)
      if (!(given instanceof CelOptional)) throw noOverloadAtRuntime(method, [given])
      if (given.value === undefined) return other.step(frame)
      return method === 'or' ? given : given.value
    },
  }
}

const literalText = (expression: Expression | undefined): string | undefined =>
  expression?.kind === 'literal' && typeof expression.value === 'string' ? expression.value : undefined

/** Durations, times and patterns that are written in the expression are looked at before it ever runs. */
export const checkLiterals = (
  expression: Expression & { kind: 'call' },
  complain: (offset: number, message: string) => void,
): void => {
  const checked = expression.name === 'matches' ? expression.args.at(-1) : expression.args[0]
  const text = literalText(checked)
  if (checked === undefined || text === undefined) return
  const bad =
    (expression.name === 'duration' && parseDuration(text) === undefined) ||
    (expression.name === 'timestamp' && parseTimestamp(text) === undefined) ||
    (expression.name === 'matches' && !isPattern(text))
  if (bad) complain(checked.offset, `invalid ${expression.name} argument`)
}

/** What stands for an expression that was complained about. */
export const failed: Compiled = { type: celErrorType, step: () => null }
