import { isIPv4, isIPv6 } from 'node:net'
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { ageColumn, column, joinSome, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import {
  duplicate,
  immutableMessage,
  invalid,
  invalidEach,
  notSupported,
  oneOf,
  required,
  tooMany,
} from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors, nonSpecialIpErrors, qualifiedNameErrors } from './name-syntax.ts'

const addressTypes = ['FQDN', 'IPv4', 'IPv6']
const protocols = ['SCTP', 'TCP', 'UDP']
const maxAddresses = 100
const maxEndpoints = 1000
const maxPorts = 20_000

const portsCell = (slice: Draft<EndpointSlice>): string => {
  if (!slice.ports) return '<unset>'
  const texts = slice.ports.map(p => (p.port === undefined || p.port === null ? '*' : String(p.port)))
  return texts.length === 0 ? '<unset>' : joinSome(texts, 3)
}

const endpointsCell = (slice: Draft<EndpointSlice>): string => {
  const addresses = (slice.endpoints ?? []).flatMap(e => e.addresses ?? [])
  return addresses.length === 0 ? '<unset>' : joinSome(addresses, 3)
}

const addressErrors = (type: string | undefined, address: string): string[] => {
  switch (type) {
    case 'IPv4':
      return isIPv4(address) ? nonSpecialIpErrors(address) : ['must be an IPv4 address']
    case 'IPv6':
      return isIPv6(address) ? nonSpecialIpErrors(address) : ['must be an IPv6 address']
    default:
      return dns1123SubdomainErrors(address)
  }
}

const validateEndpoint = (endpoint: Draft<Endpoint>, type: string | undefined, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const addresses = endpoint.addresses ?? []
  if (addresses.length === 0) errors.push(required(`${path}.addresses`, 'must contain at least 1 address'))
  if (addresses.length > maxAddresses) errors.push(tooMany(`${path}.addresses`, addresses.length, maxAddresses))
  for (const [i, address] of addresses.entries())
    errors.push(...invalidEach(`${path}.addresses[${i}]`, address, addressErrors(type, address)))
  const { hostname, nodeName } = endpoint
  if (nodeName !== undefined)
    errors.push(...invalidEach(`${path}.nodeName`, nodeName, dns1123SubdomainErrors(nodeName)))
  if (hostname !== undefined) errors.push(...invalidEach(`${path}.hostname`, hostname, dns1123LabelErrors(hostname)))
  return errors
}

const validate = (slice: Draft<EndpointSlice>): FieldError[] => {
  const { endpoints, ports, addressType } = slice
  const errors = oneOf('addressType', addressType, addressTypes)
  if ((endpoints ?? []).length > maxEndpoints) errors.push(tooMany('endpoints', (endpoints ?? []).length, maxEndpoints))
  for (const [i, endpoint] of (endpoints ?? []).entries())
    errors.push(...validateEndpoint(endpoint, addressType, `endpoints[${i}]`))
  if ((ports ?? []).length > maxPorts) errors.push(tooMany('ports', (ports ?? []).length, maxPorts))
  const names = new Set<string>()
  for (const [i, port] of (ports ?? []).entries()) {
    const name = port.name ?? ''
    if (name !== '') errors.push(...invalidEach(`ports[${i}].name`, name, dns1123LabelErrors(name)))
    if (names.has(name)) errors.push(duplicate(`ports[${i}].name`, name))
    names.add(name)
    if (!protocols.includes(port.protocol ?? ''))
      errors.push(notSupported(`ports[${i}].protocol`, port.protocol ?? '', protocols))
    if (port.appProtocol !== undefined)
      errors.push(...invalidEach(`ports[${i}].appProtocol`, port.appProtocol, qualifiedNameErrors(port.appProtocol)))
  }
  return errors
}

export const endpointSliceKind: Kind = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.discovery.v1.EndpointSlice',
  hasStatus: false,
  subresources: [],
  generationFields: ['endpoints', 'ports', 'addressType'],
  setDefaults: object => {
    for (const port of draftOf<EndpointSlice>(object).ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  validate: object => validate(draftOf<EndpointSlice>(object)),
  validateUpdate: (object, old) => {
    const next = draftOf<EndpointSlice>(object).addressType
    return next === draftOf<EndpointSlice>(old).addressType ? [] : [invalid('addressType', next, immutableMessage)]
  },
  columns: [
    nameColumn,
    column<EndpointSlice>('AddressType', 'What its addresses are.', o => o.addressType ?? ''),
    column<EndpointSlice>('Ports', 'Its ports.', portsCell),
    column<EndpointSlice>('Endpoints', 'Its addresses.', endpointsCell),
    ageColumn,
  ],
}
