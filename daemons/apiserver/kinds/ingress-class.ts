import { isDeepStrictEqual } from 'node:util'
import type { IngressClass } from 'kubernetes-types/networking/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, immutableMessage, invalid, invalidEach, oneOf, required, tooLong } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123SubdomainErrors } from './name-syntax.ts'

const parametersCell = (row: Draft<IngressClass>): string => {
  const parameters = row.spec?.parameters
  if (!parameters) return '<none>'
  return `${parameters.kind ?? ''}${parameters.apiGroup ? `.${parameters.apiGroup}` : ''}/${parameters.name ?? ''}`
}

const validateController = (controller: string): FieldError[] => {
  if (controller === '') return [required('spec.controller')]
  const long = controller.length > 250 ? [tooLong('spec.controller', 250)] : []
  const [domain = '', ...path] = controller.split('/')
  if (path.length === 0 || path[0] === '')
    return [...long, invalid('spec.controller', controller, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  return [...long, ...invalidEach('spec.controller', controller, dns1123SubdomainErrors(domain))]
}

const validate = (row: Draft<IngressClass>): FieldError[] => {
  const errors = validateController(row.spec?.controller ?? '')
  const parameters = row.spec?.parameters
  if (!parameters) return errors
  const path = 'spec.parameters'
  const { apiGroup } = parameters
  if (apiGroup !== undefined)
    errors.push(...invalidEach(`${path}.apiGroup`, apiGroup, dns1123SubdomainErrors(apiGroup)))
  if (!parameters.kind) errors.push(required(`${path}.kind`, 'kind is required'))
  if (!parameters.name) errors.push(required(`${path}.name`, 'name is required'))
  errors.push(...oneOf(`${path}.scope`, parameters.scope, ['Cluster', 'Namespace']))
  if (parameters.scope === 'Namespace' && !parameters.namespace)
    errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"))
  if (parameters.scope === 'Cluster' && parameters.namespace)
    errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  return errors
}

export const ingressClassKind: Kind = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.networking.v1.IngressClass',
  hasStatus: false,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => {
    const parameters = draftOf<IngressClass>(object).spec?.parameters
    if (parameters) parameters.scope ||= 'Cluster'
  },
  validate: object => validate(draftOf<IngressClass>(object)),
  validateUpdate: (object, old) => {
    const next = draftOf<IngressClass>(object).spec
    return isDeepStrictEqual(next?.controller, draftOf<IngressClass>(old).spec?.controller)
      ? []
      : [invalid('spec.controller', next?.controller ?? '', immutableMessage)]
  },
  columns: [
    nameColumn,
    column<IngressClass>('Controller', 'Which controller carries it out.', o => o.spec?.controller ?? ''),
    column<IngressClass>('Parameters', 'Where more of its settings stand.', parametersCell),
    ageColumn,
  ],
}
