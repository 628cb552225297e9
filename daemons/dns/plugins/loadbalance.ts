import { notImplementedAt } from '../corefile/corefile.ts'
import { types, type ResourceRecord } from '../message/message.ts'
import { andThen, type Plugin } from './plugin.ts'

const shuffled = <T>(items: readonly T[], random: () => number): T[] => {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[result[i], result[j]] = [result[j] as T, result[i] as T]
  }
  return result
}

const isAddress = (record: ResourceRecord): boolean =>
  record.type === types.A || record.type === types.AAAA || record.type === types.MX

/** Address and mail records in random order, behind the aliases that lead to them. */
export const balance = (records: readonly ResourceRecord[], random: () => number = Math.random): ResourceRecord[] => [
  ...records.filter(record => record.type === types.CNAME),
  ...records.filter(record => record.type !== types.CNAME && !isAddress(record)),
  ...shuffled(records.filter(isAddress), random),
]

/** loadbalance: clients take the first address, so the order changes with every reply. */
export const loadbalance: Plugin = {
  name: 'loadbalance',
  setup: directive => {
    const policy = directive.args[0] ?? 'round_robin'
    if (policy !== 'round_robin') throw notImplementedAt(directive, `plugin loadbalance: ${policy} is not implemented`)
    return {
      step: {
        plugin: 'loadbalance',
        answer: (_query, next) =>
          andThen(next(), answer =>
            answer.kind === 'pass' || answer.message.answers.length < 2
              ? answer
              : { ...answer, message: { ...answer.message, answers: balance(answer.message.answers) } },
          ),
      },
    }
  },
}
