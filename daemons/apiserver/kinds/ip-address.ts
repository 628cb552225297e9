import { isDeepStrictEqual } from 'node:util'
import { column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { immutableMessage, invalid, invalidEach, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123SubdomainErrors, pathSegmentErrors } from './name-syntax.ts'

/** networking.k8s.io/v1 IPAddress, which the types at hand do not know yet. */
interface IPAddress {
  spec: { parentRef: { group: string; resource: string; namespace: string; name: string } }
}

type ParentReference = Draft<IPAddress['spec']['parentRef']>

const validateParent = (parent: ParentReference | undefined, path: string): FieldError[] => {
  if (!parent) return [required(path)]
  const { group, resource, namespace, name } = parent
  const errors: FieldError[] = []
  // The group of Services is the empty one.
  if (group) errors.push(...invalidEach(`${path}.group`, group, dns1123SubdomainErrors(group)))
  if (resource) errors.push(...invalidEach(`${path}.resource`, resource, pathSegmentErrors(resource)))
  else errors.push(required(`${path}.resource`))
  if (name) errors.push(...invalidEach(`${path}.name`, name, pathSegmentErrors(name)))
  else errors.push(required(`${path}.name`))
  if (namespace) errors.push(...invalidEach(`${path}.namespace`, namespace, pathSegmentErrors(namespace)))
  return errors
}

const parentCell = ({ spec }: Draft<IPAddress>): string => {
  if (!spec?.parentRef) return '<none>'
  const { group, resource = '', namespace, name = '' } = spec.parentRef
  const what = group ? `${resource}.${group}` : resource
  return [what.toLowerCase(), ...(namespace ? [namespace] : []), name].join('/')
}

/** The object of an address that is taken: its name is the address. */
export const ipAddressKind: Kind = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  shortNames: ['ip'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.networking.v1.IPAddress',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  nameRule: 'ip-address',
  validate: object => validateParent(draftOf<IPAddress>(object).spec?.parentRef, 'spec.parentRef'),
  validateUpdate: (object, old) => {
    const parent = draftOf<IPAddress>(object).spec?.parentRef
    return isDeepStrictEqual(parent, draftOf<IPAddress>(old).spec?.parentRef)
      ? []
      : [invalid('spec.parentRef', parent, immutableMessage)]
  },
  columns: [nameColumn, column<IPAddress>('ParentRef', 'What has the address.', parentCell)],
}
