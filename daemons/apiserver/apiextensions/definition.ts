import type { KubeObject, UnknownObject } from '../../../kube/object.ts'
import type { JsonSchema } from './json-schema.ts'

export interface DefinitionNames {
  plural?: string
  singular?: string
  kind?: string
  listKind?: string
  shortNames?: string[]
  categories?: string[]
}

export interface PrinterColumn {
  name?: string
  type?: string
  format?: string
  description?: string
  priority?: number
  jsonPath?: string
}

export interface Subresources {
  status?: object
  scale?: { specReplicasPath?: string; statusReplicasPath?: string; labelSelectorPath?: string }
}

export interface DefinitionVersion {
  name?: string
  served?: boolean
  storage?: boolean
  deprecated?: boolean
  deprecationWarning?: string
  schema?: { openAPIV3Schema?: JsonSchema }
  subresources?: Subresources
  additionalPrinterColumns?: PrinterColumn[]
  selectableFields?: { jsonPath?: string }[]
}

export interface WebhookClientConfig {
  url?: string
  service?: { name?: string; namespace?: string; path?: string; port?: number }
  /** Base64 of PEM. */
  caBundle?: string
}

export interface Conversion {
  strategy?: string
  webhook?: { clientConfig?: WebhookClientConfig; conversionReviewVersions?: string[] }
}

export interface DefinitionCondition {
  type: string
  status: string
  lastTransitionTime?: string
  reason?: string
  message?: string
}

/** apiextensions.k8s.io/v1 CustomResourceDefinition as it may arrive: its types were checked, nothing else. */
export interface CustomResourceDefinition extends KubeObject {
  spec?: {
    group?: string
    names?: DefinitionNames
    scope?: string
    versions?: DefinitionVersion[]
    conversion?: Conversion
    preserveUnknownFields?: boolean
  }
  status?: {
    conditions?: DefinitionCondition[]
    acceptedNames?: DefinitionNames
    storedVersions?: string[]
  }
}

/** The one place where an object is taken for a definition: the schema of its kind was checked before. */
export const definitionOf = (object: UnknownObject): CustomResourceDefinition => object as CustomResourceDefinition

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'
export const definitionsPrefix = '/registry/apiextensions.k8s.io/customresourcedefinitions/'

export const conditionOf = (definition: CustomResourceDefinition, type: string): DefinitionCondition | undefined =>
  definition.status?.conditions?.find(condition => condition.type === type)

export const isTrue = (definition: CustomResourceDefinition, type: string): boolean =>
  conditionOf(definition, type)?.status === 'True'

/** The conditions with one put in; its time is that of the last change of its status. */
export const withCondition = (
  conditions: readonly DefinitionCondition[],
  condition: DefinitionCondition,
  now: string,
): DefinitionCondition[] => {
  const old = conditions.find(({ type }) => type === condition.type)
  const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now
  const { type, status, ...rest } = condition
  const next = { type, status, lastTransitionTime, ...rest }
  return old === undefined
    ? [...conditions, next]
    : conditions.map(other => (other === old ? { ...next, lastTransitionTime } : other))
}

export const storageVersionOf = (definition: CustomResourceDefinition): string | undefined =>
  definition.spec?.versions?.find(({ storage }) => storage === true)?.name

export const isNamespaced = (definition: CustomResourceDefinition): boolean => definition.spec?.scope === 'Namespaced'
