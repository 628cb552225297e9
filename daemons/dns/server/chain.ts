import type { Answer, MaybePromise, Query, Step } from '../plugins/plugin.ts'

/** Runs a question down the chain from step `at`; 'pass' when nobody replied. */
export const runChain = (steps: readonly Step[], query: Query, at = 0): MaybePromise<Answer> => {
  const step = steps[at]
  if (step === undefined) return { kind: 'pass' }
  return step.answer(query, () => runChain(steps, query, at + 1))
}
