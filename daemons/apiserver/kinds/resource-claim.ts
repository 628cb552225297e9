import { isDeepStrictEqual } from 'node:util'
import { ageColumn, column, nameColumn } from './column.ts'
import type { ResourceClaim, ResourceClaimTemplate } from './device-claim.ts'
import { defaultDeviceClaim, validateDeviceClaim, validateDriverName } from './device-claim-validation.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, immutableMessage, invalid, required, tooMany } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { validateAnnotations, validateLabels } from './metadata-validation.ts'

const maxConsumers = 256
const maxResults = 32

const claimSpecErrors = (spec: Draft<ResourceClaim['spec']> | undefined, path: string): FieldError[] =>
  validateDeviceClaim(spec?.devices ?? {}, `${path}.devices`)

const validateAllocation = ({ status }: Draft<ResourceClaim>, old: Draft<ResourceClaim>): FieldError[] => {
  const path = 'status.allocation'
  const allocation = status?.allocation
  const before = old.status?.allocation
  // Made once; taken back as a whole, and only when nobody has it any more.
  if (before && allocation && !isDeepStrictEqual(before, allocation))
    return [invalid(path, allocation, immutableMessage)]
  const results = allocation?.devices?.results ?? []
  const errors = results.length > maxResults ? [tooMany(`${path}.devices.results`, results.length, maxResults)] : []
  for (const [i, { driver, pool, device }] of results.entries()) {
    const at = `${path}.devices.results[${i}]`
    errors.push(...validateDriverName(driver, `${at}.driver`))
    if (!pool) errors.push(required(`${at}.pool`))
    if (!device) errors.push(required(`${at}.device`))
  }
  return errors
}

const validateStatus = (claim: Draft<ResourceClaim>, old: Draft<ResourceClaim>): FieldError[] => {
  const path = 'status.reservedFor'
  const { reservedFor = [], allocation } = claim.status ?? {}
  const errors = validateAllocation(claim, old)
  if (reservedFor.length > maxConsumers) errors.push(tooMany(path, reservedFor.length, maxConsumers))
  const uids = reservedFor.map(consumer => consumer.uid ?? '')
  for (const [i, { resource, name, uid }] of reservedFor.entries()) {
    const at = `${path}[${i}]`
    if (!resource) errors.push(required(`${at}.resource`))
    if (!name) errors.push(required(`${at}.name`))
    if (!uid) errors.push(required(`${at}.uid`))
    if (uid && uids.indexOf(uid) < i) errors.push(duplicate(`${at}.uid`, uid))
  }
  if (reservedFor.length > 0 && !allocation)
    errors.push(forbidden(path, 'may not be specified when `allocated` is not set'))
  const earlier = new Set((old.status?.reservedFor ?? []).map(consumer => consumer.uid))
  if (claim.metadata?.deletionTimestamp && uids.some(uid => !earlier.has(uid)))
    errors.push(
      forbidden(path, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'),
    )
  return errors
}

const stateCell = ({ metadata, status }: Draft<ResourceClaim>): string => {
  const states = [
    ...(metadata?.deletionTimestamp ? ['deleted'] : []),
    ...(status?.allocation ? ['allocated'] : ['pending']),
    ...(status?.reservedFor?.length ? ['reserved'] : []),
  ]
  return (metadata?.deletionTimestamp && !status?.allocation ? ['deleted'] : states).join(',')
}

const claimRow = {
  group: 'resource.k8s.io',
  version: 'v1',
  shortNames: [],
  categories: [],
  namespaced: true,
  subresources: [],
  generationFields: [],
} as const

export const resourceClaimKind: Kind = {
  ...claimRow,
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  singular: 'resourceclaim',
  schema: 'io.k8s.api.resource.v1.ResourceClaim',
  hasStatus: true,
  setDefaults: object => defaultDeviceClaim(draftOf<ResourceClaim>(object).spec?.devices),
  prepareForCreate: object => {
    object['status'] = {}
  },
  validate: object => claimSpecErrors(draftOf<ResourceClaim>(object).spec, 'spec'),
  validateUpdate: (object, old, subresource) => {
    const next = draftOf<ResourceClaim>(object)
    if (subresource === 'status') return validateStatus(next, draftOf<ResourceClaim>(old))
    return isDeepStrictEqual(next.spec, draftOf<ResourceClaim>(old).spec)
      ? []
      : [invalid('spec', next.spec, immutableMessage)]
  },
  columns: [nameColumn, column<ResourceClaim>('State', 'What has become of it.', stateCell), ageColumn],
}

export const resourceClaimTemplateKind: Kind = {
  ...claimRow,
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  singular: 'resourceclaimtemplate',
  schema: 'io.k8s.api.resource.v1.ResourceClaimTemplate',
  hasStatus: false,
  setDefaults: object => defaultDeviceClaim(draftOf<ResourceClaimTemplate>(object).spec?.spec?.devices),
  validate: object => {
    const { metadata, spec } = draftOf<ResourceClaimTemplate>(object).spec ?? {}
    return [
      ...validateLabels(metadata?.labels, 'spec.metadata.labels'),
      ...validateAnnotations(metadata?.annotations, 'spec.metadata.annotations'),
      ...claimSpecErrors(spec, 'spec.spec'),
    ]
  },
  validateUpdate: (object, old) => {
    const { spec } = draftOf<ResourceClaimTemplate>(object)
    return isDeepStrictEqual(spec, draftOf<ResourceClaimTemplate>(old).spec)
      ? []
      : [invalid('spec', spec, immutableMessage)]
  },
  columns: [nameColumn, ageColumn],
}
