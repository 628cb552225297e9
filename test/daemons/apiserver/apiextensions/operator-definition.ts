import type { CustomResourceDefinition } from '../../../../daemons/apiserver/apiextensions/definition.ts'
import type { JsonSchema } from '../../../../daemons/apiserver/apiextensions/json-schema.ts'
import { schemaOf } from '../../../../daemons/apiserver/schema/schemas.ts'
import type { TypeSchema } from '../../../../kube/patch/schema.ts'

const intOrString: JsonSchema = {
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  'x-kubernetes-int-or-string': true,
}

const textOf = (format: TypeSchema['format']): JsonSchema => {
  switch (format) {
    case 'quantity':
      return { ...intOrString, pattern: '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$' } // prettier-ignore
    case 'int-or-string':
      return intOrString
    case 'date-time':
    case 'date-time-micro':
      return { type: 'string', format: 'date-time' }
    case 'byte':
      return { type: 'string', format: 'byte' }
    default:
      return { type: 'string' }
  }
}

const listOf = (schema: TypeSchema): JsonSchema => {
  const items = schema.items === undefined ? { type: 'string' } : schemaFor(schema.items)
  if (schema.listKind === 'set') return { type: 'array', items, 'x-kubernetes-list-type': 'set' }
  if (schema.listKind !== 'map') return { type: 'array', items, 'x-kubernetes-list-type': 'atomic' }
  const keys = [...(schema.listKeys ?? [])]
  const properties = { ...items.properties }
  for (const key of keys) {
    const value = schema.keyDefaults?.[key]
    if (value !== undefined) properties[key] = { ...properties[key], default: value }
  }
  const required = [...new Set([...(items.required ?? []), ...keys.filter(key => !schema.keyDefaults?.[key])])]
  return {
    type: 'array',
    items: { ...items, properties, required },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
  }
}

/** A built-in type as controller-gen writes it into a definition. */
const schemaFor = (schema: TypeSchema): JsonSchema => {
  switch (schema.type) {
    case 'object': {
      const properties = Object.fromEntries([...(schema.fields ?? [])].map(([name, field]) => [name, schemaFor(field)]))
      const atomic = schema.mapKind === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {}
      return { type: 'object', properties, required: [...(schema.required ?? [])], ...atomic }
    }
    case 'map':
      return {
        type: 'object',
        additionalProperties: schema.values === undefined ? { type: 'string' } : schemaFor(schema.values),
      }
    case 'list':
      return listOf(schema)
    case 'string':
      return textOf(schema.format)
    case 'integer':
      return { type: 'integer', format: schema.format ?? 'int64' }
    case 'number':
    case 'boolean':
      return { type: schema.type }
    case 'any':
      return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  }
}

const condition: JsonSchema = {
  type: 'object',
  required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
  properties: {
    type: { type: 'string', maxLength: 316, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$' },
    status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
    observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
    lastTransitionTime: { type: 'string', format: 'date-time' },
    reason: { type: 'string', minLength: 1, maxLength: 1024, pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$' },
    message: { type: 'string', maxLength: 32768 },
  },
} // prettier-ignore

const spec: JsonSchema = {
  type: 'object',
  description: 'What the collector is to be.',
  required: ['template'],
  properties: {
    replicas: { type: 'integer', format: 'int32', minimum: 0, default: 1, description: 'How many pods collect.' },
    retention: { type: 'string', default: '24h', pattern: '^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?)$' },
    mode: { type: 'string', enum: ['Push', 'Pull'], default: 'Pull' },
    template: schemaFor(schemaOf('io.k8s.api.core.v1.PodTemplateSpec')),
    resources: { type: 'object', additionalProperties: textOf('quantity') },
    remote: {
      type: 'array',
      maxItems: 10,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', maxLength: 63 }, url: { type: 'string', format: 'uri' }, secretRef: { type: 'string' } },
        oneOf: [{ required: ['url'] }, { required: ['secretRef'] }],
      },
    },
    extra: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    object: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  },
  'x-kubernetes-validations': [
    { rule: "self.mode == 'Pull' || size(self.remote) > 0", message: 'what pushes needs a remote' },
    { rule: "!has(oldSelf.mode) || self.mode == oldSelf.mode", message: 'the mode stays', reason: 'FieldValueForbidden', fieldPath: '.mode' },
  ],
} // prettier-ignore

/** A definition of the size that operators have: a whole pod template is in it, and everything else they use. */
export const operatorDefinition: CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'collectors.observe.example.com', annotations: { 'controller-gen.example.com/version': 'v1' } },
  spec: {
    group: 'observe.example.com',
    scope: 'Namespaced',
    names: { plural: 'collectors', kind: 'Collector', shortNames: ['col'], categories: ['observe'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.status.selector',
          },
        },
        additionalPrinterColumns: [
          { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
          { name: 'Desired', type: 'integer', jsonPath: '.spec.replicas' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Images', type: 'string', priority: 1, jsonPath: '.spec.template.spec.containers[*].image' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'A collector gathers what others say.',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec,
              status: {
                type: 'object',
                properties: {
                  replicas: { type: 'integer' },
                  selector: { type: 'string' },
                  conditions: {
                    type: 'array',
                    items: condition,
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
}
