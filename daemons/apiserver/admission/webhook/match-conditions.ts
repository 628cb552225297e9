import type { AdmissionHost } from '../plugin.ts'
import type { Compiled } from '../validating-admission-policy/policy-programs.ts'
import type { ShownRequest } from './admission-review.ts'
import type { Webhook } from './webhook.ts'

const compiled = new WeakMap<Webhook, readonly Compiled[]>()

/** CEL is loaded by the first webhook that has a condition. */
const load = async () => {
  const [{ compileConditions }, { conditionsHold: hold }, { policyValues }] = await Promise.all([
    import('../validating-admission-policy/policy-programs.ts'),
    import('../validating-admission-policy/evaluate-policy.ts'),
    import('../validating-admission-policy/policy-values.ts'),
  ])
  return { compileConditions, hold, policyValues }
}

/**
 * Whether every match condition holds for the request. One that is false settles it, whatever is wrong with the others;
 * else one that cannot be evaluated skips the webhook (failurePolicy Ignore) or throws Error (Fail), as upstream does.
 */
export const conditionsHold = async (webhook: Webhook, shown: ShownRequest, host: AdmissionHost): Promise<boolean> => {
  const { compileConditions, hold, policyValues } = await load()
  let programs = compiled.get(webhook)
  if (programs === undefined) compiled.set(webhook, (programs = compileConditions(webhook.matchConditions)))
  try {
    return hold(programs, policyValues(shown.request, shown.row, host))
  } catch (error) {
    if (webhook.ignoresFailure) return false
    throw error
  }
}
