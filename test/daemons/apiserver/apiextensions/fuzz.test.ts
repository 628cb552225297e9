import fc from 'fast-check'
import t from 'tap'
import { customKinds } from '../../../../daemons/apiserver/apiextensions/custom-kind.ts'
import { renamingConverter } from '../../../../daemons/apiserver/apiextensions/conversion.ts'
import { definitionOf } from '../../../../daemons/apiserver/apiextensions/definition.ts'
import { loadRules } from '../../../../daemons/apiserver/apiextensions/rules.ts'
import { customResourceDefinitionKind } from '../../../../daemons/apiserver/kinds/custom-resource-definition.ts'
import { checkObject } from '../../../../daemons/apiserver/registry/check-object.ts'
import type { RequestContext } from '../../../../daemons/apiserver/registry/registry.ts'
import { readTexts } from '../../../../daemons/apiserver/schema/schema-row.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cloneJson } from '../../../../kube/patch/json-value.ts'
import { ApiError } from '../../../../kube/status.ts'
import { definition, version } from './definitions.ts'

t.before(loadRules)

const texts = readTexts()

const context: RequestContext = {
  user: { name: 'x', groups: [] },
  dryRun: false,
  fieldManager: 'x',
  fieldValidation: 'Ignore',
  decodeFindings: [],
  warn: () => {},
}

const names = fc.constantFrom('a', 'b', 'spec', 'metadata', '__proto__', 'constructor', 'kind')
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    '',
    'x',
    '(',
    '[a-z]+$',
    'object',
    'string',
    'self.a',
    [],
    {},
  ),
  fc.integer(),
)
const schema = fc.letrec(tie => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ type: fc.constantFrom('string', 'integer', 'boolean', 'number') }),
    tie('object'),
    tie('wild'),
  ),
  object: fc.record(
    {
      type: fc.constantFrom('object', 'array', 'string', ''),
      properties: fc.dictionary(names, tie('node'), { maxKeys: 3 }),
      items: tie('node'),
      additionalProperties: fc.oneof(fc.boolean(), tie('node')),
      required: fc.array(names, { maxLength: 2 }),
      anyOf: fc.array(tie('node'), { maxLength: 2 }),
      not: tie('node'),
      default: leaf,
      nullable: fc.boolean(),
      'x-kubernetes-preserve-unknown-fields': fc.boolean(),
      'x-kubernetes-list-type': fc.constantFrom('set', 'map', 'atomic', 'x'),
      'x-kubernetes-list-map-keys': fc.array(names, { maxLength: 2 }),
      'x-kubernetes-validations': fc.array(fc.record({ rule: fc.constantFrom('self.a', 'true', 'oldSelf == self', '(') }), { maxLength: 1 }),
    },
    { requiredKeys: ['type'] },
  ),
  wild: fc.dictionary(fc.constantFrom('type', 'items', 'properties', 'pattern', 'enum', 'allOf', 'format', 'maximum'), leaf, { maxKeys: 3 }),
})) // prettier-ignore

const value = fc.letrec(tie => ({
  any: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(names, tie('any'), { maxKeys: 3 }),
  ),
}))

/** Undefined: it was refused, in the API's own words. */
const admit = (body: unknown): UnknownObject | undefined => {
  try {
    const object = checkObject(cloneJson(body), customResourceDefinitionKind, context)
    customResourceDefinitionKind.setDefaults?.(object)
    return (customResourceDefinitionKind.validateCreate?.(object) ?? []).length === 0 ? object : undefined
  } catch (error) {
    if (error instanceof ApiError && error.code < 500) return undefined
    throw error
  }
}

t.test('whatever stands in a schema, it is admitted or refused, and objects are judged by it', async t => {
  let admitted = 0
  fc.assert(
    fc.property(schema.node, value.any, value.any, (one, body, old) => {
      const crd = definition([version({ properties: { spec: one as object } })])
      const object = admit(crd)
      if (object === undefined) return
      admitted++
      const services = { converter: renamingConverter, isTerminating: () => false }
      for (const kind of customKinds(definitionOf(object), services)) {
        const widget: UnknownObject = {
          apiVersion: 'example.com/v1',
          kind: 'Widget',
          metadata: {},
          spec: cloneJson(body),
        }
        const before: UnknownObject = { ...widget, spec: cloneJson(old) }
        kind.custom?.decode(widget)
        kind.setDefaults?.(widget)
        kind.validate?.(widget)
        kind.validateUpdate?.(widget, before, '')
        JSON.stringify([kind.custom?.definitions('v2', texts), kind.custom?.definitions('v3', texts)])
      }
    }),
    { numRuns: 2000, seed: 7 },
  )
  t.ok(admitted > 100, `${admitted} schemas were admitted`)
})

t.test('whatever stands for a definition, the answer is an error of its client', async t => {
  fc.assert(
    fc.property(value.any, spec => {
      admit({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'x' }, spec })
    }),
    { numRuns: 500, seed: 7 },
  )
  t.pass()
})
