import t from 'tap'
import { CelError } from '../../../../daemons/apiserver/cel/cel-error.ts'
import type { CelType } from '../../../../daemons/apiserver/cel/cel-type.ts'
import { compileCel } from '../../../../daemons/apiserver/cel/compile.ts'
import type { CelValue } from '../../../../daemons/apiserver/cel/value.ts'
import { CelOptional, CelStruct, CelUint, isList } from '../../../../daemons/apiserver/cel/value.ts'

/** One expression: what it gives, or the message it fails with. */
export type CelCase =
  | { name: string; expression: string; gives: unknown }
  | { name: string; expression: string; fails: string }

/** CEL values as plain ones: ints stay bigints, uints become `{ uint }`, optionals `{ optional }`. */
const plain = (value: CelValue): unknown => {
  if (value instanceof CelUint) return { uint: value.value }
  if (value instanceof CelOptional) return { optional: value.value === undefined ? undefined : plain(value.value) }
  if (value instanceof CelStruct)
    return Object.fromEntries(value.keys().map(key => [String(key), plain(value.get(key) ?? null)]))
  return isList(value) ? value.map(plain) : value
}

export interface CelScope {
  readonly types: Readonly<Record<string, CelType>>
  readonly values: Readonly<Record<string, unknown>>
}

export const runCases = (cases: readonly CelCase[], scope: CelScope = { types: {}, values: {} }): void => {
  for (const { name, expression, ...expected } of cases)
    t.test(name, async t => {
      let result: unknown
      try {
        result = plain(compileCel(expression, { variables: scope.types, result: 'any' }).evaluate(scope.values))
      } catch (error) {
        if (!(error instanceof CelError)) throw error
        if (!('fails' in expected)) throw error
        t.equal(error.message, expected.fails)
        return
      }
      if ('fails' in expected) t.fail(`gave ${String(result)}, and should have failed with: ${expected.fails}`)
      else t.strictSame(result, expected.gives)
    })
}
