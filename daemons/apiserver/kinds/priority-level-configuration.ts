import type {
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from 'kubernetes-types/flowcontrol/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'

const maxQueues = 10_000_000
/** Bits of a hash that dealing a hand may use up (upstream's shuffle sharding). */
const maxEntropyBits = 60

const setDefaults = ({ spec }: Draft<PriorityLevelConfiguration>): void => {
  if (spec?.exempt) {
    spec.exempt.nominalConcurrencyShares ??= 0
    spec.exempt.lendablePercent ??= 0
  }
  if (!spec?.limited) return
  spec.limited.nominalConcurrencyShares ??= 30
  spec.limited.lendablePercent ??= 0
  const { queuing } = spec.limited.limitResponse ?? {}
  if (!queuing) return
  queuing.queues ||= 64
  queuing.handSize ||= 8
  queuing.queueLengthLimit ||= 50
}

/** Bits that it takes to deal `hand` cards of a deck of `deck`. */
const entropyBits = (deck: number, hand: number): number =>
  Math.ceil(Array.from({ length: hand }, (_, i) => Math.log2(deck - i)).reduce((sum, bits) => sum + bits, 0))

const validateQueuing = (queuing: Draft<QueuingConfiguration>, path: string): FieldError[] => {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing
  const errors: FieldError[] = []
  const tooManyQueues = queues > maxQueues
  if (queueLengthLimit <= 0) errors.push(invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive'))
  if (queues <= 0) errors.push(invalid(`${path}.queues`, queues, 'must be positive'))
  else if (tooManyQueues) errors.push(invalid(`${path}.queues`, queues, `must not be greater than ${maxQueues}`))
  if (handSize <= 0) errors.push(invalid(`${path}.handSize`, handSize, 'must be positive'))
  else if (handSize > queues)
    errors.push(invalid(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`))
  else if (!tooManyQueues && entropyBits(queues, handSize) > maxEntropyBits)
    errors.push(
      invalid(
        `${path}.handSize`,
        handSize,
        `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxEntropyBits}`,
      ),
    )
  return errors
}

const validateResponse = (response: Draft<LimitResponse> | undefined, path: string): FieldError[] => {
  const { type = '', queuing } = response ?? {}
  switch (type) {
    case 'Reject':
      return queuing ? [forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')] : []
    case 'Queue':
      return queuing
        ? validateQueuing(queuing, `${path}.queuing`)
        : [required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')]
    default:
      return [notSupported(`${path}.type`, type, ['Queue', 'Reject'])]
  }
}

interface Shares {
  nominalConcurrencyShares?: number | undefined
  lendablePercent?: number | undefined
  borrowingLimitPercent?: number | undefined
}

const validateShares = (shares: Shares, path: string): FieldError[] => {
  const { nominalConcurrencyShares: nominal = 0, lendablePercent: lendable = 0, borrowingLimitPercent } = shares
  const errors: FieldError[] = []
  if (nominal < 0) errors.push(invalid(`${path}.nominalConcurrencyShares`, nominal, 'must be a non-negative integer'))
  if (lendable < 0 || lendable > 100)
    errors.push(invalid(`${path}.lendablePercent`, lendable, 'must be between 0 and 100, inclusive'))
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0)
    errors.push(
      invalid(`${path}.borrowingLimitPercent`, borrowingLimitPercent, 'if specified, must be a non-negative integer'),
    )
  return errors
}

const validateLimited = (limited: Draft<LimitedPriorityLevelConfiguration>, path: string): FieldError[] => [
  ...validateShares(limited, path),
  ...validateResponse(limited.limitResponse, `${path}.limitResponse`),
]

const validate = ({ metadata, spec = {} }: Draft<PriorityLevelConfiguration>): FieldError[] => {
  const { type = '', limited, exempt } = spec
  const named = metadata?.name === 'exempt'
  if (named !== (type === 'Exempt') && (named || type === 'Exempt'))
    return [
      invalid('spec.type', type, `must be 'Exempt' if and only if \`name\` is 'exempt'`),
      ...(type === 'Limited' && limited ? validateLimited(limited, 'spec.limited') : []),
    ]
  switch (type) {
    case 'Exempt':
      return [
        ...(limited ? [forbidden('spec.limited', 'must be nil if the type is not Limited')] : []),
        ...(exempt ? validateShares(exempt, 'spec.exempt') : []),
      ]
    case 'Limited': {
      const errors = exempt ? [forbidden('spec.exempt', 'must be nil if the type is Limited')] : []
      if (!limited) return [...errors, required('spec.limited', 'must not be empty when type is Limited')]
      return [...errors, ...validateLimited(limited, 'spec.limited')]
    }
    default:
      return [notSupported('spec.type', type, ['Exempt', 'Limited'])]
  }
}

const queuingCell =
  (field: keyof QueuingConfiguration) =>
  ({ spec }: Draft<PriorityLevelConfiguration>): string | number =>
    spec?.limited?.limitResponse?.queuing?.[field] ?? '<none>'

export const priorityLevelConfigurationKind: Kind = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  singular: 'prioritylevelconfiguration',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration',
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => setDefaults(draftOf<PriorityLevelConfiguration>(object)),
  prepareForCreate: object => {
    object['status'] = {}
  },
  validate: object => validate(draftOf<PriorityLevelConfiguration>(object)),
  columns: [
    nameColumn,
    column<PriorityLevelConfiguration>('Type', 'Whether it has limits.', o => o.spec?.type ?? ''),
    column<PriorityLevelConfiguration>(
      'NominalConcurrencyShares',
      'Its share of the requests at a time.',
      ({ spec }) => (spec?.limited ?? spec?.exempt)?.nominalConcurrencyShares ?? '<none>',
    ),
    column<PriorityLevelConfiguration>('Queues', 'How many queues it has.', queuingCell('queues')),
    column<PriorityLevelConfiguration>('HandSize', 'How many of them a flow may use.', queuingCell('handSize')),
    column<PriorityLevelConfiguration>('QueueLengthLimit', 'How many wait in each.', queuingCell('queueLengthLimit')),
    ageColumn,
  ],
}
