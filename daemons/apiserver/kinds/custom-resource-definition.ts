import { definitionOf } from '../apiextensions/definition.ts'
import {
  prepareDefinitionForCreate,
  prepareDefinitionForDelete,
  prepareDefinitionForUpdate,
  setDefinitionDefaults,
} from '../apiextensions/definition-defaults.ts'
import { loadRules, rulesAreLoaded } from '../apiextensions/rules.ts'
import { validateDefinition, validateDefinitionUpdate } from '../apiextensions/validate-definition.ts'
import { hasRules } from '../apiextensions/validate-schema.ts'
import { nameColumn } from './column.ts'
import type { Kind } from './kind.ts'

/** Definitions of kinds; what they bring about is the work of apiextensions/. */
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
  anyFinalizers: true,
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  load: object => {
    if (rulesAreLoaded()) return undefined
    const versions = definitionOf(object).spec?.versions ?? []
    const schemas = versions.flatMap(({ schema }) => schema?.openAPIV3Schema ?? [])
    return schemas.some(hasRules) ? loadRules() : undefined
  },
  setDefaults: setDefinitionDefaults,
  prepareForCreate: prepareDefinitionForCreate,
  prepareForUpdate: prepareDefinitionForUpdate,
  prepareForDelete: prepareDefinitionForDelete,
  validateCreate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  columns: [
    nameColumn,
    {
      name: 'Created At',
      type: 'date',
      description: 'When the object was created.',
      priority: 0,
      cell: object => object.metadata?.creationTimestamp ?? '',
    },
  ],
}
