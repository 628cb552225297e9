import { isDeepStrictEqual } from 'node:util'
import { ageColumn, column, nameColumn } from './column.ts'
import type { Device, ResourceSlice } from './device-claim.ts'
import { validateDriverName } from './device-claim-validation.ts'
import type { Draft } from './draft.ts'
import {
  duplicate,
  immutableMessage,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooLong,
  tooMany,
} from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from './name-syntax.ts'
import { validateQuantity } from './resource-validation.ts'

const maxDevices = 128
const maxAttributes = 32
const maxTaints = 4
const maxPoolNameBytes = 253
const maxIdentifierBytes = 32
const effects = ['NoExecute', 'NoSchedule']
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/

const validatePoolName = (name: string, path: string): FieldError[] => {
  if (name === '') return [required(path)]
  if (name.length > maxPoolNameBytes) return [tooLong(path, maxPoolNameBytes)]
  return name.split('/').flatMap(part => invalidEach(path, part, dns1123SubdomainErrors(part)))
}

/** `model` or `example.com/model`. */
const validateQualified = (name: string, path: string): FieldError[] => {
  const parts = name.split('/')
  const id = parts.at(-1) ?? ''
  if (name === '') return [required(path, 'name required')]
  if (parts.length > 2) return [invalid(path, name, 'must consist of a C identifier, or a domain, a slash and one')]
  const errors = parts.length === 2 ? validateDriverName(parts[0], path) : []
  if (id.length > maxIdentifierBytes) errors.push(tooLong(path, maxIdentifierBytes))
  if (!identifier.test(id))
    errors.push(
      invalid(
        path,
        id,
        "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')",
      ),
    )
  return errors
}

const validateDevice = (device: Draft<Device>, path: string): FieldError[] => {
  const { name = '', attributes = {}, capacity = {}, taints = [] } = device
  const errors = name === '' ? [required(`${path}.name`)] : invalidEach(`${path}.name`, name, dns1123LabelErrors(name))
  const count = Object.keys(attributes).length + Object.keys(capacity).length
  if (count > maxAttributes)
    errors.push(invalid(path, count, `the total number of attributes and capacities must not exceed ${maxAttributes}`))
  for (const [key, value] of Object.entries(attributes)) {
    errors.push(...validateQualified(key, `${path}.attributes[${key}]`))
    if (Object.keys(value ?? {}).length !== 1)
      errors.push(required(`${path}.attributes[${key}]`, 'exactly one value must be specified'))
  }
  for (const [key, value] of Object.entries(capacity)) {
    errors.push(...validateQualified(key, `${path}.capacity[${key}]`))
    errors.push(...validateQuantity(value?.value ?? '', `${path}.capacity[${key}].value`))
  }
  if (taints.length > maxTaints) errors.push(tooMany(`${path}.taints`, taints.length, maxTaints))
  for (const [i, { key = '', value = '', effect = '' }] of taints.entries()) {
    const at = `${path}.taints[${i}]`
    errors.push(...invalidEach(`${at}.key`, key, qualifiedNameErrors(key)))
    errors.push(...invalidEach(`${at}.value`, value, labelValueErrors(value)))
    if (effect === '') errors.push(required(`${at}.effect`))
    else if (!effects.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, effects))
  }
  return errors
}

type Spec = NonNullable<Draft<ResourceSlice>['spec']>

const validatePlace = (spec: Spec): FieldError[] => {
  const { nodeName, nodeSelector, allNodes, perDeviceNodeSelection } = spec
  const set = [nodeName !== undefined, nodeSelector !== undefined, allNodes === true, perDeviceNodeSelection === true]
  const names = '`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`'
  const errors = nodeName ? invalidEach('spec.nodeName', nodeName, dns1123SubdomainErrors(nodeName)) : []
  const count = set.filter(Boolean).length
  if (count === 0) errors.push(required('spec', `exactly one of ${names} is required`))
  if (count > 1) errors.push(invalid('spec', spec, `exactly one of ${names} is required, but multiple fields are set`))
  if (nodeName === '') errors.push(invalid('spec.nodeName', '', 'must be either unset or set to a non-empty string'))
  return errors
}

const validate = (spec: Spec): FieldError[] => {
  const { driver, pool = {}, devices = [] } = spec
  const { resourceSliceCount: count = 0, generation = 0 } = pool
  const errors = validateDriverName(driver, 'spec.driver')
  errors.push(...validatePoolName(pool.name ?? '', 'spec.pool.name'))
  if (count <= 0) errors.push(invalid('spec.pool.resourceSliceCount', count, 'must be greater than zero'))
  if (generation < 0) errors.push(invalid('spec.pool.generation', generation, 'must be greater than or equal to zero'))
  errors.push(...validatePlace(spec))
  if (devices.length > maxDevices) errors.push(tooMany('spec.devices', devices.length, maxDevices))
  const names = devices.map(device => device.name ?? '')
  for (const [i, device] of devices.entries()) {
    errors.push(...validateDevice(device, `spec.devices[${i}]`))
    if (names.indexOf(names[i] ?? '') < i) errors.push(duplicate(`spec.devices[${i}].name`, names[i]))
  }
  return errors
}

const validateUpdate = (next: Spec, old: Spec): FieldError[] => {
  const pairs = [
    ['spec.pool.name', next.pool?.name, old.pool?.name],
    ['spec.driver', next.driver, old.driver],
    ['spec.nodeName', next.nodeName, old.nodeName],
  ] as const
  return pairs
    .filter(([, after, before]) => !isDeepStrictEqual(after, before))
    .map(([field, after]) => invalid(field, after, immutableMessage))
}

const specOf = (object: object): Spec => (object as Draft<ResourceSlice>).spec ?? {}

export const resourceSliceKind: Kind = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  singular: 'resourceslice',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.resource.v1.ResourceSlice',
  hasStatus: false,
  subresources: [],
  generationFields: ['spec'],
  validate: object => validate(specOf(object)),
  validateUpdate: (object, old) => validateUpdate(specOf(object), specOf(old)),
  selectableFields: {
    'spec.driver': object => specOf(object).driver ?? '',
    'spec.nodeName': object => specOf(object).nodeName ?? '',
  },
  columns: [
    nameColumn,
    column<ResourceSlice>('Node', 'Where the devices are.', ({ spec }) => {
      if (spec?.nodeName) return spec.nodeName
      if (spec?.allNodes) return '<all-nodes>'
      return spec?.nodeSelector || spec?.perDeviceNodeSelection ? '<node-selector>' : ''
    }),
    column<ResourceSlice>('Driver', 'Who manages them.', o => o.spec?.driver ?? ''),
    column<ResourceSlice>('Pool', 'The pool they belong to.', o => o.spec?.pool?.name ?? ''),
    ageColumn,
  ],
}
