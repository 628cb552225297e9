import { messageOf, SkiffError } from '../../kube/errors.ts'
import type { Output } from '../command.ts'

/** Runs one step of `up` and shows it with its time; a failure says which step it was. */
export type Step = <T>(title: string, work: () => Promise<T>) => Promise<T>

export const steps =
  (output: Output, nowMs: () => number): Step =>
  async (title, work) => {
    const started = nowMs()
    // The step under way is shown where it can be written over when it ends.
    const over = output.terminal ? '\r\x1b[K' : ''
    if (output.terminal) output.out(`… ${title}`)
    try {
      const result = await work()
      output.out(`${over}✓ ${title} (${((nowMs() - started) / 1000).toFixed(2)} s)\n`)
      return result
    } catch (cause) {
      output.out(`${over}✗ ${title}\n`)
      if (cause instanceof SkiffError)
        throw new SkiffError(cause.code, `${title}: ${cause.message}`, {
          cause,
          ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }),
        })
      throw new SkiffError('INTERNAL', `${title}: ${messageOf(cause)}`, { cause })
    }
  }
