import type { Lease } from 'kubernetes-types/coordination/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import { invalid, nonNegative } from './field-error.ts'
import type { Kind } from './kind.ts'

export const leaseKind: Kind = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.coordination.v1.Lease',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  validate: object => {
    const { leaseDurationSeconds: duration, leaseTransitions } = draftOf<Lease>(object).spec ?? {}
    const errors = nonNegative('spec.leaseTransitions', leaseTransitions)
    if (duration !== undefined && duration !== null && duration <= 0)
      errors.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'))
    return errors
  },
  columns: [nameColumn, column<Lease>('Holder', 'Who holds it.', o => o.spec?.holderIdentity ?? ''), ageColumn],
}
