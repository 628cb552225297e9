import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicySpec,
} from 'kubernetes-types/networking/v1.js'
import { cidrContains, firstOf, parseCidr } from '../../../kube/ip-address.ts'
import { formatLabelSelector } from '../../../kube/selectors.ts'
import type { MetaLabelSelector } from '../../../kube/selectors.ts'
import { ageColumn, column, nameColumn, orNone } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { cidrErrors, portNameErrors, portNumberErrors } from './name-syntax.ts'
import { validateLabelSelector } from './selector-validation.ts'

const protocols = ['TCP', 'UDP', 'SCTP']
const policyTypes = ['Ingress', 'Egress']

const setDefaults = (spec: Draft<NetworkPolicySpec>): void => {
  for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
    for (const port of ports ?? []) port.protocol ??= 'TCP'
  if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
}

const validateEndPort = (port: Draft<NetworkPolicyPort>, path: string): FieldError[] => {
  const { port: first, endPort } = port
  if (endPort === undefined) return []
  if (first === undefined) return [invalid(path, endPort, 'may not be specified when `port` is not specified')]
  if (typeof first === 'string') return [invalid(path, endPort, 'may not be specified when `port` is non-numeric')]
  const errors = endPort < first ? [invalid(path, first, 'must be greater than or equal to `port`')] : []
  return [...errors, ...invalidEach(path, endPort, portNumberErrors(endPort))]
}

const validatePort = (row: Draft<NetworkPolicyPort>, path: string): FieldError[] => {
  const { protocol, port } = row
  const errors: FieldError[] = []
  if (protocol !== undefined && !protocols.includes(protocol))
    errors.push(notSupported(`${path}.protocol`, protocol, protocols))
  if (port !== undefined) {
    const wrong = typeof port === 'number' ? portNumberErrors(port) : portNameErrors(port)
    errors.push(...invalidEach(`${path}.port`, port, wrong))
  }
  return [...errors, ...validateEndPort(row, `${path}.endPort`)]
}

const validateBlock = ({ cidr, except }: Draft<IPBlock>, path: string): FieldError[] => {
  if (!cidr) return [required(`${path}.cidr`)]
  const errors = invalidEach(`${path}.cidr`, cidr, cidrErrors(cidr))
  if (errors.length > 0) return errors
  const whole = parseCidr(cidr)
  for (const [i, text] of (except ?? []).entries()) {
    const at = `${path}.except[${i}]`
    const wrong = cidrErrors(text)
    errors.push(...invalidEach(at, text, wrong))
    if (wrong.length > 0) continue
    const part = parseCidr(text)
    const inside = part.ip.family === whole.ip.family && cidrContains(whole, firstOf(part))
    if (!inside || part.prefix <= whole.prefix) errors.push(invalid(at, text, 'must be a strict subset of `cidr`'))
  }
  return errors
}

const validatePeer = (peer: Draft<NetworkPolicyPeer>, path: string): FieldError[] => {
  const { podSelector, namespaceSelector, ipBlock } = peer
  const errors = [
    ...validateLabelSelector(podSelector, `${path}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...(ipBlock ? validateBlock(ipBlock, `${path}.ipBlock`) : []),
  ]
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, 'must specify a peer'))
  if (ipBlock && (podSelector || namespaceSelector))
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'))
  return errors
}

interface Rule {
  ports: Draft<NetworkPolicyPort>[] | undefined
  peers: Draft<NetworkPolicyPeer>[] | undefined
}

const validateRule = ({ ports, peers }: Rule, path: string, direction: 'from' | 'to'): FieldError[] => [
  ...(ports ?? []).flatMap((port, i) => validatePort(port, `${path}.ports[${i}]`)),
  ...(peers ?? []).flatMap((peer, i) => validatePeer(peer, `${path}.${direction}[${i}]`)),
]

const validate = (spec: Draft<NetworkPolicySpec>): FieldError[] => {
  const { ingress = [], egress = [], policyTypes: types = [] } = spec
  const errors = [
    ...validateLabelSelector(spec.podSelector, 'spec.podSelector'),
    ...ingress.flatMap(({ ports, from }, i) => validateRule({ ports, peers: from }, `spec.ingress[${i}]`, 'from')),
    ...egress.flatMap(({ ports, to }, i) => validateRule({ ports, peers: to }, `spec.egress[${i}]`, 'to')),
  ]
  if (types.length > policyTypes.length)
    return [...errors, invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')]
  for (const [i, type] of types.entries())
    if (!policyTypes.includes(type)) errors.push(notSupported(`spec.policyTypes[${i}]`, type, policyTypes))
  return errors
}

export const networkPolicyKind: Kind = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.networking.v1.NetworkPolicy',
  hasStatus: false,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => {
    const { spec } = draftOf<NetworkPolicy>(object)
    if (spec) setDefaults(spec)
  },
  validate: object => validate(draftOf<NetworkPolicy>(object).spec ?? {}),
  columns: [
    nameColumn,
    column<NetworkPolicy>('Pod-Selector', 'The pods it is for.', o =>
      orNone(formatLabelSelector((o.spec?.podSelector ?? {}) as MetaLabelSelector)),
    ),
    ageColumn,
  ],
}
