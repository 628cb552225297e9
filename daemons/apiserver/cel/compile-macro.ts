import { CelError } from './cel-error.ts'
import type { CelType } from './cel-type.ts'
import { celBool, celDyn, celInt, celString, formatType, isDyn, listType, mapType, optionalType } from './cel-type.ts'
import type { Compiled, CompileContext, Frame, Step } from './compile-context.ts'
import { failed } from './compile-call.ts'
import type { Comprehension, Expression } from './expression.ts'
import type { CelValue } from './value.ts'
import { CelMap, CelOptional, CelStruct, isList } from './value.ts'

export type CompileFunction = (expression: Expression, context: CompileContext) => Compiled

/** The types of a macro's variables, by how many there are: a map's first is its key, a list's first of two its index. */
const variableTypes = (range: CelType, count: number): CelType[] | undefined => {
  if (isDyn(range)) return Array.from({ length: count }, () => celDyn)
  if (range.kind === 'list') return count === 1 ? [range.element] : [celInt, range.element]
  if (range.kind === 'map') return count === 1 ? [range.key] : [range.key, range.value]
  if (range.kind === 'object') return count === 1 ? [celString] : [celString, celDyn]
  return undefined
}

/** Puts each item into the variables' slots in turn; `visit` ends the walk by giving true. */
const walk = (frame: Frame, range: CelValue, slots: readonly number[], visit: () => boolean): void => {
  const [first = 0, second] = slots
  if (isList(range)) {
    for (const [index, item] of range.entries()) {
      frame.locals[first] = second === undefined ? item : BigInt(index)
      if (second !== undefined) frame.locals[second] = item
      if (visit()) return
    }
    return
  }
  if (!(range instanceof CelStruct)) throw new CelError('runtime', 'no such overload')
  for (const key of range.keys()) {
    frame.locals[first] = key
    if (second !== undefined) frame.locals[second] = range.get(key) ?? null
    if (visit()) return
  }
}

const asBool = (value: CelValue): boolean => {
  if (typeof value === 'boolean') return value
  throw new CelError('runtime', 'no such overload')
}

interface Loop {
  range: Step
  slots: readonly number[]
  filter: Step | undefined
  body: Step
}

/** Each turn costs what the loop that upstream unfolds the macro to costs: its condition and its accumulator. */
const turnCost = 2

/** `all` stops at false, `exists` at true; a failure counts only when nothing decides. */
const quantify = ({ range, slots, body }: Loop, decides: boolean): Step => {
  return frame => {
    let decided = false
    let failure: unknown
    walk(frame, range(frame), slots, () => {
      frame.meter.charge(turnCost)
      try {
        decided = asBool(body(frame)) === decides
      } catch (error) {
        if (!(error instanceof CelError) || error.code !== 'runtime') throw error
        failure ??= error
      }
      return decided
    })
    if (decided) return decides
    if (failure !== undefined) throw failure
    return !decides
  }
}

const countOne = ({ range, slots, body }: Loop): Step => {
  return frame => {
    let found = 0
    walk(frame, range(frame), slots, () => {
      frame.meter.charge(turnCost)
      if (asBool(body(frame))) found++
      return false
    })
    return found === 1
  }
}

/** Every turn that `filter` lets through gives `take` its value. Upstream makes a list of one and joins it: 11 a turn. */
const collect = ({ range, slots, filter, body }: Loop, take: (frame: Frame, value: CelValue) => void): Step => {
  return frame => {
    walk(frame, range(frame), slots, () => {
      frame.meter.charge(turnCost)
      if (filter !== undefined && !asBool(filter(frame))) return false
      frame.meter.charge(11)
      take(frame, body(frame))
      return false
    })
    return null
  }
}

const collectList = (loop: Loop): Step => {
  return frame => {
    frame.meter.charge(10)
    const list: CelValue[] = []
    collect(loop, (_, value) => list.push(value))(frame)
    return list
  }
}

const collectMap = (loop: Loop, whole: boolean): Step => {
  const [key = 0] = loop.slots
  return frame => {
    frame.meter.charge(30)
    const entries: [CelValue, CelValue][] = []
    collect(loop, (inner, value) => {
      if (!whole) entries.push([inner.locals[key] ?? null, value])
      else if (value instanceof CelStruct)
        for (const name of value.keys()) entries.push([name, value.get(name) ?? null])
      else throw new CelError('runtime', 'no such overload')
    })(frame)
    const map = new CelMap(entries)
    if (map.size !== entries.length) throw new CelError('runtime', 'insert failed: key already exists')
    return map
  }
}

const planOf = (macro: Comprehension['macro'], loop: Loop, types: readonly CelType[], body: CelType): Compiled => {
  switch (macro) {
    case 'all':
      return { type: celBool, step: quantify(loop, false) }
    case 'exists':
      return { type: celBool, step: quantify(loop, true) }
    case 'exists_one':
      return { type: celBool, step: countOne(loop) }
    case 'filter': {
      const [slot = 0] = loop.slots
      return {
        type: listType(types[0] ?? celDyn),
        step: collectList({ ...loop, filter: loop.body, body: frame => frame.locals[slot] ?? null }),
      }
    }
    case 'map':
    case 'transformList':
      return { type: listType(body), step: collectList(loop) }
    case 'transformMap':
      return { type: mapType(types[0] ?? celDyn, body), step: collectMap(loop, false) }
    case 'transformMapEntry':
      return { type: body, step: collectMap(loop, true) }
  }
}

const predicates = new Set<Comprehension['macro']>(['all', 'exists', 'exists_one', 'filter'])

/** Complains where a predicate is no bool. Gives back whether it is well. */
const checkBool = (context: CompileContext, at: Expression, compiled: Compiled): void => {
  if (isDyn(compiled.type) || formatType(compiled.type) === 'bool') return
  context.complain(at.offset, `expected type 'bool' but found '${formatType(compiled.type)}'`)
}

export const compileComprehension = (
  expression: Comprehension,
  context: CompileContext,
  compile: CompileFunction,
): Compiled => {
  const range = compile(expression.range, context)
  const types = variableTypes(range.type, expression.variables.length)
  if (types === undefined) {
    const shown = formatType(range.type)
    context.complain(
      expression.range.offset,
      `expression of type '${shown}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    )
    return failed
  }
  let inner = context
  const slots = expression.variables.map((name, index) => {
    const made = inner.withLocal(name, types[index] ?? celDyn)
    inner = made.context
    return made.slot
  })
  const filter = expression.filter === undefined ? undefined : compile(expression.filter, inner)
  if (filter !== undefined && expression.filter !== undefined) checkBool(context, expression.filter, filter)
  const body = compile(expression.body, inner)
  if (predicates.has(expression.macro)) checkBool(context, expression.body, body)
  return planOf(expression.macro, { range: range.step, slots, filter: filter?.step, body: body.step }, types, body.type)
}

/** `x.optMap(v, e)` and `x.optFlatMap(v, e)`: e on what x holds, nothing where it holds nothing. */
export const compileOptMap = (
  expression: Expression & { kind: 'optMap' },
  context: CompileContext,
  compile: CompileFunction,
): Compiled => {
  const target = compile(expression.target, context)
  const held = target.type.kind === 'optional' ? target.type.value : celDyn
  const { context: inner, slot } = context.withLocal(expression.variable, held)
  const body = compile(expression.body, inner)
  return {
    type: expression.flat ? body.type : optionalType(body.type),
    step: frame => {
      const given = target.step(frame)
      if (!(given instanceof CelOptional)) throw new CelError('runtime', 'no such overload')
      if (given.value === undefined) return CelOptional.none
      frame.locals[slot] = given.value
      const result = body.step(frame)
      return expression.flat ? result : new CelOptional(result)
    },
  }
}
