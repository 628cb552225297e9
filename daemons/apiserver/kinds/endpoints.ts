import type { Endpoints, EndpointSubset } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, joinSome, nameColumn, orNone } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  nonSpecialIpErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from './name-syntax.ts'

const protocols = ['SCTP', 'TCP', 'UDP']

const hostPort = (ip: string, port: number | undefined): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`

const summary = (subsets: readonly Draft<EndpointSubset>[] | undefined): string => {
  const all = (subsets ?? []).flatMap(({ ports, addresses }) =>
    ports?.length
      ? ports.flatMap(p => (addresses ?? []).map(a => hostPort(a.ip ?? '', p.port)))
      : (addresses ?? []).map(a => a.ip ?? ''),
  )
  return orNone(joinSome(all, 3))
}

const validateSubset = (subset: Draft<EndpointSubset>, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const { addresses, notReadyAddresses, ports = [] } = subset
  if (!addresses?.length && !notReadyAddresses?.length)
    errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'))
  for (const [list, name] of [
    [addresses, 'addresses'],
    [notReadyAddresses, 'notReadyAddresses'],
  ] as const)
    for (const [i, { ip = '', hostname, nodeName }] of (list ?? []).entries()) {
      const at = `${path}.${name}[${i}]`
      errors.push(...invalidEach(`${at}.ip`, ip, nonSpecialIpErrors(ip)))
      if (hostname) errors.push(...invalidEach(`${at}.hostname`, hostname, dns1123LabelErrors(hostname)))
      if (nodeName !== undefined)
        errors.push(...invalidEach(`${at}.nodeName`, nodeName, dns1123SubdomainErrors(nodeName)))
    }
  for (const [i, port] of (ports ?? []).entries()) {
    const at = `${path}.ports[${i}]`
    if (!port.name) {
      if ((ports ?? []).length > 1) errors.push(required(`${at}.name`))
    } else errors.push(...invalidEach(`${at}.name`, port.name, dns1123LabelErrors(port.name)))
    errors.push(...portNumberErrors(port.port ?? 0).map(m => invalid(`${at}.port`, port.port ?? 0, m)))
    if (port.appProtocol !== undefined)
      errors.push(...invalidEach(`${at}.appProtocol`, port.appProtocol, qualifiedNameErrors(port.appProtocol)))
    if (!port.protocol) errors.push(required(`${at}.protocol`))
    else if (!protocols.includes(port.protocol)) errors.push(notSupported(`${at}.protocol`, port.protocol, protocols))
  }
  return errors
}

export const endpointsKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Endpoints',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  setDefaults: object => {
    for (const subset of draftOf<Endpoints>(object).subsets ?? [])
      for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate: object =>
    (draftOf<Endpoints>(object).subsets ?? []).flatMap((subset, i) => validateSubset(subset, `subsets[${i}]`)),
  columns: [nameColumn, column<Endpoints>('Endpoints', 'Addresses and ports.', o => summary(o.subsets)), ageColumn],
}
