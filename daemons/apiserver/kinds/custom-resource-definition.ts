import { apiError } from '../../../kube/status.ts'
import { ageColumn, nameColumn } from './column.ts'
import type { Kind } from './kind.ts'

/**
 * Custom resources are not built. The kind is served all the same, because kubectl lists it before it says that a
 * kind is unknown: the list is always empty, and who makes one is told.
 */
export const customResourceDefinitionKind: Kind = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  schema: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  prepareForCreate: () => {
    throw apiError('NotImplemented', 'Skiff does not implement custom resources yet', {
      group: 'apiextensions.k8s.io',
      kind: 'customresourcedefinitions',
    })
  },
  columns: [nameColumn, ageColumn],
}
