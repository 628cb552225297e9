import type {
  CustomResourceDefinition,
  DefinitionVersion,
} from '../../../../daemons/apiserver/apiextensions/definition.ts'
import type { JsonSchema } from '../../../../daemons/apiserver/apiextensions/json-schema.ts'

type Spec = NonNullable<CustomResourceDefinition['spec']>

export const version = (schema: JsonSchema, rest: DefinitionVersion = {}): DefinitionVersion => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object', ...schema } },
  ...rest,
})

/** A definition of widgets.example.com as a client sends it. */
export const definition = (versions: DefinitionVersion[], spec: Spec = {}): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${spec.names?.plural ?? 'widgets'}.${spec.group ?? 'example.com'}` },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['all'] },
    versions,
    ...spec,
  },
})

export const specOf = (properties: Record<string, JsonSchema>, rest: JsonSchema = {}): JsonSchema => ({
  properties: { spec: { type: 'object', properties, ...rest } },
})
