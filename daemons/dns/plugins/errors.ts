import { refuseProperty } from '../corefile/read-directive.ts'
import { rcodes, replyTo, typeName } from '../message/message.ts'
import type { Answer, Plugin, Query } from './plugin.ts'

/** errors: what goes wrong further down the chain is logged, and the client is told SERVFAIL. */
export const errors: Plugin = {
  name: 'errors',
  setup: (directive, { log }) => {
    for (const property of directive.body)
      refuseProperty('errors', property, ['consolidate', 'stacktrace', 'show_first'])
    const failed = (query: Query, err: unknown): Answer => {
      log.error({ err, question: `${query.name} ${typeName(query.type)}` }, 'a question could not be answered')
      return { kind: 'reply', message: replyTo(query.message, { rcode: rcodes.SERVFAIL }) }
    }
    return {
      step: {
        plugin: 'errors',
        answer: (query, next) => {
          try {
            const answer = next()
            return answer instanceof Promise ? answer.catch((error: unknown) => failed(query, error)) : answer
          } catch (error) {
            return failed(query, error)
          }
        },
      },
    }
  },
}
