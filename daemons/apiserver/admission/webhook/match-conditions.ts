import { messageOf } from '../../../../kube/errors.ts'
import { isJsonObject } from '../../../../kube/patch/json-value.ts'
import type { CelProgram } from '../../cel/compile.ts'
import type { ShownRequest } from './admission-review.ts'
import { reviewOf } from './admission-review.ts'
import type { MatchCondition, Webhook } from './webhook.ts'

type Compiled = MatchCondition & ({ program: CelProgram } | { error: unknown })

const compiled = new WeakMap<Webhook, readonly Compiled[]>()

/** CEL is loaded by the first webhook that has a condition. */
const compile = async (webhook: Webhook): Promise<readonly Compiled[]> => {
  const known = compiled.get(webhook)
  if (known !== undefined) return known
  const [{ compileCel }, { celDyn }] = await Promise.all([
    import('../../cel/compile.ts'),
    import('../../cel/cel-type.ts'),
  ])
  const variables = { object: celDyn, oldObject: celDyn, request: celDyn }
  const programs = webhook.matchConditions.map((condition): Compiled => {
    try {
      return { ...condition, program: compileCel(condition.expression, { variables, result: 'bool' }) }
    } catch (error) {
      return { ...condition, error }
    }
  })
  compiled.set(webhook, programs)
  return programs
}

/**
 * Whether every match condition holds for the request. One that is false settles it, whatever is wrong with the others;
 * else one that cannot be evaluated skips the webhook (failurePolicy Ignore) or throws Error (Fail), as upstream does.
 */
export const conditionsHold = async (webhook: Webhook, shown: ShownRequest): Promise<boolean> => {
  const { object = null, old = null } = shown
  const { request } = reviewOf('', shown, webhook.type)
  const { object: _, oldObject: __, uid: ___, ...about } = isJsonObject(request) ? request : {}
  const errors: string[] = []
  for (const condition of await compile(webhook)) {
    try {
      if ('error' in condition) throw condition.error
      if (condition.program.evaluate({ object, oldObject: old, request: about }) === false) return false
    } catch (error) {
      errors.push(messageOf(error))
    }
  }
  if (errors.length === 0) return true
  if (webhook.ignoresFailure) return false
  throw new Error(errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`)
}
