import { randomBytes } from 'node:crypto'
import { rcodes, replyTo, types } from '../message/message.ts'
import type { Answer, Plugin, Query, SetupContext, Step } from './plugin.ts'

/** More sightings of our own question than this are a loop: one is ours, one may be a retry. */
const MOST_SIGHTINGS = 2

/**
 * Stands before `forward`. At the start it asks a random name; when that question comes back, some upstream leads to
 * us. From then on the step answers SERVFAIL instead of forwarding: the cluster's own names keep working, and the
 * daemon says what to mend.
 */
class LoopStep implements Step {
  readonly plugin = 'loop'
  readonly #name: string
  readonly #context: SetupContext
  #sightings = 0
  #checking = true
  constructor(context: SetupContext) {
    this.#context = context
    const zone = context.zones[0] ?? '.'
    this.#name = `${randomBytes(6).toString('hex')}.${randomBytes(6).toString('hex')}.${zone === '.' ? '' : zone}`
  }

  start(signal: AbortSignal): void {
    this.#context
      .ask(this.#name, types.HINFO, signal)
      .catch(() => {})
      .finally(() => (this.#checking = false))
  }

  answer(query: Query, next: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
    const isOurs = this.#checking && query.type === types.HINFO && query.name === this.#name
    if (isOurs && ++this.#sightings === MOST_SIGHTINGS + 1)
      this.#context.log.error(
        { code: 'HOST_UNFIT' },
        'loop: forwarded questions come back to this server; nothing is forwarded any more. Point `forward` at a resolver that does not forward to the cluster, for example /run/systemd/resolve/resolv.conf',
      )
    if (this.#sightings <= MOST_SIGHTINGS) return next()
    return { kind: 'reply', message: replyTo(query.message, { rcode: rcodes.SERVFAIL }) }
  }
}

/** loop: refuses to forward in circles. */
export const loop: Plugin = {
  name: 'loop',
  setup: (_directive, context) => {
    const step = new LoopStep(context)
    return { step, start: signal => step.start(signal) }
  },
}
