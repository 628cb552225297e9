import type { ServiceAccount } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import type { Kind } from './kind.ts'

export const serviceAccountKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.ServiceAccount',
  hasStatus: false,
  subresources: ['token'],
  generationFields: [],
  columns: [
    nameColumn,
    column<ServiceAccount>('Secrets', 'The number of Secrets it lists.', o => (o.secrets ?? []).length),
    ageColumn,
  ],
}
