import { access, optionalAccess } from './access.ts'
import { CelError } from './cel-error.ts'
import type { CelType } from './cel-type.ts'
import { celBool, celDyn, celErrorType, formatType, isDyn, listType, mapType, optionalType } from './cel-type.ts'
import {
  callStep,
  checkLiterals,
  failed,
  logicStep,
  noOverloadMessage,
  optionalElse,
  resolveOverloads,
  ternaryStep,
  ternaryType,
} from './compile-call.ts'
import type { Compiled, CompileContext } from './compile-context.ts'
import { compileComprehension, compileOptMap } from './compile-macro.ts'
import type { Expression } from './expression.ts'
import { unescapeFieldName } from './field-name.ts'
import { typeIdentifier } from './type-identifiers.ts'
import { joinTypes } from './unify.ts'
import type { CelValue } from './value.ts'
import { CelMap, CelOptional, CelStruct, CelUint, typeNameOf } from './value.ts'

const undeclared = (context: CompileContext, offset: number, name: string): Compiled => {
  context.complain(offset, `undeclared reference to '${name}' (in container '')`)
  return failed
}

const compileIdentifier = (expression: Expression & { kind: 'identifier' }, context: CompileContext): Compiled => {
  const { name } = expression
  const local = context.local(name)
  if (local !== undefined) {
    const { slot } = local
    return {
      type: local.type,
      step: frame => {
        frame.meter.charge(1)
        return frame.locals[slot] ?? null
      },
    }
  }
  const type = context.globals.get(name)
  if (type !== undefined)
    return {
      type,
      step: frame => {
        frame.meter.charge(1)
        const value = frame.globals.get(name)
        if (value === undefined) throw new CelError('runtime', `no such attribute(s): ${name}`)
        return value
      },
    }
  return typeIdentifier(name) ?? undeclared(context, expression.offset, name)
}

/** The dotted name a chain of selects spells: `google.protobuf.Timestamp`. */
const dottedName = (expression: Expression): string | undefined => {
  if (expression.kind === 'identifier') return expression.name
  if (expression.kind !== 'select' || expression.optional) return undefined
  const head = dottedName(expression.operand)
  return head === undefined ? undefined : `${head}.${expression.field}`
}

const simpleOf: Readonly<Record<string, string>> = {
  bigint: 'int',
  number: 'double',
  string: 'string',
  boolean: 'bool',
}

const literalType = (value: CelValue): CelType => {
  if (value === null) return { kind: 'simple', name: 'null' }
  if (value instanceof CelUint) return { kind: 'simple', name: 'uint' }
  const name = simpleOf[typeof value] ?? 'bytes'
  return {
    kind: 'simple',
    name: name === 'int' || name === 'double' || name === 'string' || name === 'bool' ? name : 'bytes',
  }
}

/** The type of a field, or undefined where the type has none by that name. */
const fieldTypeOf = (type: CelType, field: string): CelType | undefined => {
  if (isDyn(type) || type.kind === 'param') return celDyn
  if (type.kind === 'map') return type.value
  if (type.kind !== 'object') return undefined
  const name = type.escaped === true ? unescapeFieldName(field) : field
  return name === undefined ? undefined : type.fields().get(name)
}

/** What a select reads from, and the type it gives; complains where the type has no such field. */
const selectOperand = (
  expression: Expression & { kind: 'select' },
  context: CompileContext,
): { operand: Compiled; type: CelType; wrapped: boolean } | undefined => {
  const { field } = expression
  const operand = compileExpression(expression.operand, context)
  if (operand === failed) return undefined
  const wrapped = operand.type.kind === 'optional'
  const held = operand.type.kind === 'optional' ? operand.type.value : operand.type
  const type = fieldTypeOf(held, field)
  if (type !== undefined) return { operand, type, wrapped }
  const message =
    held.kind === 'object'
      ? `undefined field '${field}'`
      : `type '${formatType(held)}' does not support field selection`
  context.complain(expression.offset, message)
  return undefined
}

const compileSelect = (expression: Expression & { kind: 'select' }, context: CompileContext): Compiled => {
  const dotted = dottedName(expression)
  const named = dotted === undefined ? undefined : typeIdentifier(dotted)
  if (named !== undefined) return named
  if (dotted !== undefined && context.globals.has(dotted))
    return compileIdentifier({ kind: 'identifier', offset: expression.offset, name: dotted }, context)
  const selected = selectOperand(expression, context)
  if (selected === undefined) return failed
  const { operand, type, wrapped } = selected
  const { field, optional } = expression
  const read = optional || wrapped ? optionalAccess : access
  return {
    type: optional || wrapped ? optionalType(type) : type,
    step: frame => {
      const target = operand.step(frame)
      frame.meter.charge(1)
      return read(target, field)
    },
  }
}

const compileHas = (expression: Expression & { kind: 'has' }, context: CompileContext): Compiled => {
  const selected = selectOperand(expression.select, context)
  if (selected === undefined) return failed
  const { field } = expression.select
  const { step } = selected.operand
  return {
    type: celBool,
    step: frame => {
      const target = step(frame)
      const held = target instanceof CelOptional ? (target.value ?? null) : target
      if (held === null && target instanceof CelOptional) return false
      if (held instanceof CelStruct) return held.has(field)
      throw new CelError('runtime', `no such overload: ${typeNameOf(held)}`)
    },
  }
}

const compileIndex = (expression: Expression & { kind: 'call' }, context: CompileContext): Compiled => {
  const [target, index] = expression.args.map(arg => compileExpression(arg, context))
  if (target === undefined || index === undefined || target === failed || index === failed) return failed
  const optional = expression.name === '_[?_]'
  const wrapped = target.type.kind === 'optional'
  const held = target.type.kind === 'optional' ? target.type.value : target.type
  const type = indexType(held, index.type)
  if (type === undefined) {
    context.complain(expression.offset, noOverloadMessage(expression.name, false, [target.type, index.type]))
    return failed
  }
  const read = optional || wrapped ? optionalAccess : access
  return {
    type: optional || wrapped ? optionalType(type) : type,
    step: frame => {
      const from = target.step(frame)
      const key = index.step(frame)
      frame.meter.charge(1)
      return read(from, key)
    },
  }
}

const indexType = (held: CelType, index: CelType): CelType | undefined => {
  if (isDyn(held) || held.kind === 'param') return celDyn
  if (held.kind === 'list') return isDyn(index) || formatType(index) === 'int' ? held.element : undefined
  if (held.kind === 'map') return joinTypes(held.key, index) === undefined ? undefined : held.value
  return undefined
}

/** Items of one literal must be of one type: the first that is not is complained about. */
const joinItems = (context: CompileContext, items: readonly Compiled[], at: readonly Expression[]): CelType => {
  let joined: CelType | undefined
  for (const [index, { type }] of items.entries()) {
    const next: CelType | undefined = joined === undefined ? type : joinTypes(joined, type)
    if (next === undefined && joined !== undefined) {
      const message = `expected type '${formatType(joined)}' but found '${formatType(type)}'`
      context.complain(at[index]?.offset ?? 0, message)
      return celErrorType
    }
    joined = next
  }
  return joined ?? { kind: 'param', name: '@item' }
}

const compileList = (expression: Expression & { kind: 'list' }, context: CompileContext): Compiled => {
  const items = expression.elements.map(element => compileExpression(element, context))
  const steps = items.map(item => item.step)
  return {
    type: listType(joinItems(context, items, expression.elements)),
    step: frame => {
      frame.meter.charge(10)
      return steps.map(step => step(frame))
    },
  }
}

const compileMap = (expression: Expression & { kind: 'map' }, context: CompileContext): Compiled => {
  const keys = expression.entries.map(([key]) => compileExpression(key, context))
  const values = expression.entries.map(([, value]) => compileExpression(value, context))
  const keyType = joinItems(
    context,
    keys,
    expression.entries.map(([key]) => key),
  )
  const valueType = joinItems(
    context,
    values,
    expression.entries.map(([, value]) => value),
  )
  return {
    type: mapType(keyType, valueType),
    step: frame => {
      frame.meter.charge(30)
      const entries = keys.map((key, index): [CelValue, CelValue] => [
        key.step(frame),
        values[index]?.step(frame) ?? null,
      ])
      const map = new CelMap(entries)
      if (map.size !== entries.length) throw new CelError('runtime', 'Failed with repeated key')
      return map
    },
  }
}

/** `math.greatest(1, 2)`: a function whose name has a dot, unless a variable hides the name before it. */
const qualifiedCall = (expression: Expression & { kind: 'call' }, context: CompileContext): string | undefined => {
  const target = expression.target
  if (target?.kind !== 'identifier' || context.local(target.name) !== undefined) return undefined
  const name = `${target.name}.${expression.name}`
  return context.functions.has(name) ? name : undefined
}

const compileCall = (expression: Expression & { kind: 'call' }, context: CompileContext): Compiled => {
  if (expression.name === '_[_]' || expression.name === '_[?_]') return compileIndex(expression, context)
  const qualified = qualifiedCall(expression, context)
  const name = qualified ?? expression.name
  const target = qualified === undefined ? expression.target : undefined
  const args = (target === undefined ? expression.args : [target, ...expression.args]).map(arg =>
    compileExpression(arg, context),
  )
  if (args.includes(failed)) return failed
  const types = args.map(arg => arg.type)
  const complain = (): Compiled => {
    context.complain(expression.offset, noOverloadMessage(name, target !== undefined, types))
    return failed
  }
  const [first = failed, second = failed, third = failed] = args
  if (name === '_?_:_') {
    const type = ternaryType(types)
    return type === undefined ? complain() : { type, step: ternaryStep(first.step, second.step, third.step) }
  }
  if (name === '_&&_' || name === '_||_') {
    if (types.some(type => !isDyn(type) && formatType(type) !== 'bool')) return complain()
    return { type: celBool, step: logicStep(name === '_||_', first.step, second.step) }
  }
  if (target !== undefined && (name === 'or' || name === 'orValue') && args.length === 2)
    return optionalElse(first, second, name) ?? complain()
  const overloads = context.functions.get(name)
  if (overloads === undefined) return undeclared(context, expression.offset, name)
  checkLiterals(expression, (offset, message) => context.complain(offset, message))
  const resolved = resolveOverloads(overloads, target !== undefined, types)
  if (resolved === undefined) return complain()
  return {
    type: resolved.result,
    step: callStep(
      name,
      resolved,
      args.map(arg => arg.step),
    ),
  }
}

/** Checks an expression's types and makes it ready to run; what is wrong is put into the context's issues. */
export const compileExpression = (expression: Expression, context: CompileContext): Compiled => {
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression
      return { type: literalType(value), step: () => value }
    }
    case 'identifier':
      return compileIdentifier(expression, context)
    case 'select':
      return compileSelect(expression, context)
    case 'has':
      return compileHas(expression, context)
    case 'call':
      return compileCall(expression, context)
    case 'list':
      return compileList(expression, context)
    case 'map':
      return compileMap(expression, context)
    case 'comprehension':
      return compileComprehension(expression, context, compileExpression)
    case 'optMap':
      return compileOptMap(expression, context, compileExpression)
  }
}
