import { parseCidr } from '../../../kube/ip-address.ts'
import type { ServiceCIDR } from '../../../kube/resources.ts'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { immutableMessage, invalid, invalidEach, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { cidrErrors } from './name-syntax.ts'

const path = 'spec.cidrs'

const validate = ({ spec }: Draft<ServiceCIDR>): FieldError[] => {
  const cidrs = spec?.cidrs ?? []
  if (cidrs.length === 0) return [required(path, 'at least one CIDR required')]
  if (cidrs.length > 2) return [invalid(path, cidrs, 'may only hold up to 2 values')]
  const errors = cidrs.flatMap((cidr, i) => invalidEach(`${path}[${i}]`, cidr, cidrErrors(cidr)))
  if (errors.length > 0 || cidrs.length < 2) return errors
  const families = new Set(cidrs.map(cidr => parseCidr(cidr).ip.family))
  return families.size === 2
    ? []
    : [invalid(path, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96')]
}

/** A range of one family may get one of the other; beyond that they stay as they are. */
const validateUpdate = ({ spec }: Draft<ServiceCIDR>, old: Draft<ServiceCIDR>): FieldError[] => {
  const cidrs = spec?.cidrs ?? []
  const before = old.spec?.cidrs ?? []
  const same = before.every((cidr, i) => cidrs[i] === cidr)
  const grown = before.length === 1 && cidrs.length === 2
  return same && (cidrs.length === before.length || grown) ? [] : [invalid(path, cidrs, immutableMessage)]
}

export const serviceCidrKind: Kind = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.networking.v1.ServiceCIDR',
  hasStatus: true,
  subresources: [],
  generationFields: [],
  prepareForCreate: object => {
    object['status'] = {}
  },
  validate: object => validate(draftOf<ServiceCIDR>(object)),
  validateUpdate: (object, old, subresource) =>
    subresource === 'status' ? [] : validateUpdate(draftOf<ServiceCIDR>(object), draftOf<ServiceCIDR>(old)),
  columns: [
    nameColumn,
    column<ServiceCIDR>('CIDRs', 'The ranges of ClusterIPs.', o => (o.spec?.cidrs ?? []).join(',')),
    ageColumn,
  ],
}
