import t from 'tap'
import { CelError } from '../../../../daemons/apiserver/cel/cel-error.ts'
import { celDyn, celInt, celString } from '../../../../daemons/apiserver/cel/cel-type.ts'
import { compileCel } from '../../../../daemons/apiserver/cel/compile.ts'
import { CelBudget } from '../../../../daemons/apiserver/cel/cost.ts'
import { escapeFieldName, unescapeFieldName } from '../../../../daemons/apiserver/cel/field-name.ts'

const failure = (run: () => unknown): { code: string; message: string } => {
  try {
    run()
  } catch (error) {
    if (error instanceof CelError) return { code: error.code, message: error.message }
    throw error
  }
  return { code: 'none', message: 'nothing was thrown' }
}

t.test('an expression must give what was asked for', async t => {
  t.strictSame(
    failure(() => compileCel('1', { variables: {}, result: 'bool' })),
    { code: 'result', message: 'must evaluate to bool' },
  )
  const program = compileCel('x', { variables: { x: celDyn }, result: 'bool' })
  t.equal(program.evaluate({ x: true }), true)
  t.equal(failure(() => program.evaluate({ x: 1 })).code, 'runtime')
})

t.test('an expression that runs away is stopped', async t => {
  const list = Array.from({ length: 300 }, (_, index) => index)
  const program = compileCel('x.all(a, x.all(b, x.all(c, a + b + c >= 0)))', {
    variables: { x: celDyn },
    result: 'bool',
  })
  t.strictSame(
    failure(() => program.evaluate({ x: list })),
    { code: 'cost', message: 'operation cancelled: actual cost limit exceeded' },
  )
})

t.test('what a text grows to is paid for', async t => {
  const doubled = Array.from({ length: 30 }, () => '.map(s, s + s)').join('')
  const program = compileCel(`[x]${doubled}[0]`, { variables: { x: celString }, result: 'string' })
  t.equal(failure(() => program.evaluate({ x: 'ab' })).code, 'cost')
})

t.test('all evaluations of a request share a budget', async t => {
  const program = compileCel('x + 1 > 0', { variables: { x: celInt }, result: 'bool' })
  const budget = new CelBudget(4)
  t.equal(program.evaluate({ x: 1 }, budget), true)
  t.ok(budget.remaining < 4)
  t.equal(failure(() => program.evaluate({ x: 1 }, budget)).code, 'budget')
})

const names: [field: string, escaped: string | undefined][] = [
  ['a', 'a'],
  ['a-b.c/d', 'a__dash__b__dot__c__slash__d'],
  ['a__b', 'a__underscores__b'],
  ['namespace', '__namespace__'],
  ['1a', undefined],
]
for (const [field, escaped] of names)
  t.test(`the field ${field} is ${escaped ?? 'not to be named'} in an expression`, async t => {
    t.equal(escapeFieldName(field), escaped)
    if (escaped !== undefined) t.equal(unescapeFieldName(escaped), field)
  })
