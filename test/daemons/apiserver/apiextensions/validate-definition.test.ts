import t from 'tap'
import { setDefinitionDefaults } from '../../../../daemons/apiserver/apiextensions/definition-defaults.ts'
import type { CustomResourceDefinition } from '../../../../daemons/apiserver/apiextensions/definition.ts'
import type { JsonSchema } from '../../../../daemons/apiserver/apiextensions/json-schema.ts'
import { loadRules } from '../../../../daemons/apiserver/apiextensions/rules.ts'
import {
  validateDefinition,
  validateDefinitionUpdate,
} from '../../../../daemons/apiserver/apiextensions/validate-definition.ts'
import { cloneJson } from '../../../../kube/patch/json-value.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { definition, specOf, version } from './definitions.ts'

const asObject = (crd: CustomResourceDefinition): UnknownObject => {
  const object = cloneJson(crd) as UnknownObject
  setDefinitionDefaults(object)
  return object
}
const textsOf = (crd: CustomResourceDefinition): string[] =>
  validateDefinition(asObject(crd)).map(({ field, message }) => `${field}: ${message}`)

t.before(loadRules)

const plain = version({})
const root = 'spec.validation.openAPIV3Schema'

const definitions: { name: string; crd: CustomResourceDefinition; gives: string[] }[] = [
  { name: 'a plain definition is fine', crd: definition([plain]), gives: [] },
  {
    name: 'the name is made of plural and group',
    crd: { ...definition([plain]), metadata: { name: 'other.example.com' } },
    gives: ['metadata.name: Invalid value: "other.example.com": must be spec.names.plural+"."+spec.group'],
  },
  {
    name: 'a group has a dot',
    crd: definition([plain], { group: 'example' }),
    gives: ['spec.group: Invalid value: "example": should be a domain with at least one dot'],
  },
  {
    name: 'a scope is one of two',
    crd: definition([plain], { scope: 'Galaxy' }),
    gives: ['spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
  },
  {
    name: 'kind and list kind differ',
    crd: definition([plain], { names: { plural: 'widgets', kind: 'Widget', listKind: 'Widget' } }),
    gives: ['spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same'],
  },
  {
    name: 'a schema is required',
    crd: definition([{ name: 'v1', served: true, storage: true }]),
    gives: ['spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required'],
  },
  {
    name: 'unknown fields are preserved by the schema, not by the definition',
    crd: definition([plain], { preserveUnknownFields: true }),
    gives: [
      'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
    ],
  },
  {
    name: 'the community’s groups want an approval',
    crd: definition([plain], { group: 'widgets.k8s.io' }),
    gives: [
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ],
  },
  {
    name: 'a webhook is reached in one way, and speaks a version that is known',
    crd: definition([plain], {
      conversion: { strategy: 'Webhook', webhook: { clientConfig: {}, conversionReviewVersions: ['v9'] } },
    }),
    gives: [
      'spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required',
      'spec.conversion.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1',
    ],
  },
  {
    name: 'columns have a type and a path',
    crd: definition([version({}, { additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: 'spec' }] })]),
    gives: [
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
    ],
  },
  {
    name: 'scale reads the spec and the status',
    crd: definition([
      version({}, { subresources: { scale: { specReplicasPath: '.status.n', statusReplicasPath: '.status.n' } } }),
    ]),
    gives: ['spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec'],
  },
  {
    name: 'selectable fields are scalars of the schema',
    crd: definition([
      version(specOf({ a: { type: 'object' } }), {
        selectableFields: [{ jsonPath: '.spec.a' }, { jsonPath: '.spec.b' }, { jsonPath: '.metadata.name' }],
      }),
    ]),
    gives: [
      'spec.selectableFields[0].jsonPath: Invalid value: ".spec.a": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      'spec.selectableFields[1].jsonPath: Invalid value: ".spec.b": is an invalid path: does not refer to a valid field',
      'spec.selectableFields[2].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata',
      'spec.selectableFields[2].jsonPath: Invalid value: ".metadata.name": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
    ],
  },
]

for (const { name, crd, gives } of definitions) t.test(name, async t => t.same(textsOf(crd), gives))

t.test('exactly one version is stored, and names are unique', async t => {
  const texts = textsOf(definition([version({}), version({})]))
  t.match(texts[0], /^spec\.versions: Invalid value: .*: must contain unique version names$/)
  t.match(texts[1], /^spec\.versions: Invalid value: .*: must have exactly one version marked as storage version$/)
})

const schemas: { name: string; schema: JsonSchema; gives: string[] }[] = [
  { name: 'the root is an object', schema: { type: 'string' }, gives: [`${root}.type: Invalid value: "string": must be object at the root`] },
  { name: 'every field has a type', schema: specOf({ a: {} }), gives: [`${root}.properties[spec].properties[a].type: Required value: must not be empty for specified object fields`] },
  { name: 'a list has items', schema: specOf({ a: { type: 'array' } }), gives: [`${root}.properties[spec].properties[a].items: Required value: must be specified`] },
  { name: 'junctors describe nothing', schema: { ...specOf({ a: { type: 'string' } }), allOf: [{ description: 'x', properties: { spec: { type: 'object' } } }] }, gives: [`${root}.allOf[0].description: Forbidden: must be empty to be structural`, `${root}.allOf[0].properties[spec].type: Forbidden: must be empty to be structural`] },
  { name: 'what a junctor looks at is specified outside', schema: { anyOf: [{ properties: { spec: { required: ['a'] } } }] }, gives: [`${root}.properties[spec]: Required value: because it is defined in ${root}.anyOf[0].properties[spec]`] },
  { name: 'int-or-string may name its two types', schema: specOf({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } }), gives: [] },
  { name: 'the metadata is the system’s but for the names', schema: { properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } }, gives: [`${root}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`] },
  { name: 'unique items are refused', schema: specOf({ a: { type: 'array', uniqueItems: true, items: { type: 'string' } } }), gives: [`${root}.properties[spec].properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`] },
  { name: 'a reference is refused', schema: specOf({ a: { type: 'object', $ref: '#/x' } }), gives: [`${root}.properties[spec].properties[a].$ref: Forbidden: $ref is not supported`] },
  { name: 'a map list has keys that are required or have a default', schema: specOf({ a: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', properties: { k: { type: 'string' } } } } }), gives: [`${root}.properties[spec].properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`] },
  { name: 'a set of objects holds atomic ones', schema: specOf({ a: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object', 'x-kubernetes-map-type': 'granular' } } }), gives: [`${root}.properties[spec].properties[a].items.x-kubernetes-map-type: Invalid value: "granular": must be atomic as item of a list with x-kubernetes-list-type=set`] },
  { name: 'a default fits its schema', schema: specOf({ a: { type: 'integer', default: 'x' } }), gives: [`${root}.properties[spec].properties[a].default: Invalid value: "string": ${root}.properties[spec].properties[a].default in body must be of type integer: "string"`] },
  { name: 'a pattern can be read', schema: specOf({ a: { type: 'string', pattern: '(' } }), gives: [`${root}.properties[spec].properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``] },
  { name: 'a rule is compiled', schema: specOf({ a: { type: 'string' } }, { 'x-kubernetes-validations': [{ rule: 'self.b' }] }), gives: [`${root}.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"rule":"self.b"}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b\n | ....^`] },
  { name: 'a rule says yes or no', schema: specOf({ a: { type: 'string' } }, { 'x-kubernetes-validations': [{ rule: 'self.a' }] }), gives: [`${root}.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"rule":"self.a"}: must evaluate to a bool`] },
  { name: 'items of an atomic list have no old value', schema: specOf({ a: { type: 'array', items: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } } }), gives: [`${root}.properties[spec].properties[a].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${root}.properties[spec].properties[a]`] },
] // prettier-ignore

for (const { name, schema, gives } of schemas)
  t.test(name, async t => t.same(textsOf(definition([version(schema)])), gives))

t.test('a version has its own path where versions differ', async t => {
  const versions = [
    version(specOf({ a: {} })),
    version(specOf({ a: { type: 'string' } }), { name: 'v2', storage: false }),
  ]
  t.same(textsOf(definition(versions)), [
    'spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[a].type: Required value: must not be empty for specified object fields',
  ])
})

t.test('an established definition keeps its scope, kind and stored versions', async t => {
  const stored = (crd: CustomResourceDefinition): CustomResourceDefinition => ({
    ...crd,
    status: { storedVersions: ['v1'], conditions: [{ type: 'Established', status: 'True' }] },
  })
  const old = asObject(stored(definition([plain])))
  const v2 = version({}, { name: 'v2' })
  const next = asObject(
    stored(definition([v2], { scope: 'Cluster', names: { plural: 'widgets', kind: 'Gadget', singular: 'widget' } })),
  )
  t.same(
    validateDefinitionUpdate(next, old, '').map(({ field, message }) => `${field}: ${message}`),
    [
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Gadget": field is immutable',
      'status.storedVersions: Invalid value: ["v1"]: must have the storage version v2',
      'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
    ],
  )
})
