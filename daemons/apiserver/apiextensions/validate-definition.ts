import { equalJson } from '../../../kube/patch/json-value.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { immutableMessage, invalid, notSupported, required } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { dns1035LabelErrors, dns1123SubdomainErrors } from '../kinds/name-syntax.ts'
import { type CustomResourceDefinition, definitionOf, type DefinitionNames, isTrue } from './definition.ts'
import { approvalErrors } from './api-approval.ts'
import { conversionErrors } from './validate-conversion.ts'
import { versionErrors } from './validate-version.ts'

type Spec = NonNullable<CustomResourceDefinition['spec']>

const joined = (field: string, value: string, details: readonly string[], prefix = ''): FieldError[] =>
  details.length === 0 ? [] : [invalid(field, value, prefix + details.join(','))]

export const namesErrors = (names: DefinitionNames, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const label = (field: string, value: string | undefined): void => {
    if (value !== undefined && value !== '')
      errors.push(...joined(`${path}.${field}`, value, dns1035LabelErrors(value)))
  }
  const mixed = (field: string, value: string | undefined): void => {
    if (value === undefined || value === '') return
    const details = dns1035LabelErrors(value.toLowerCase())
    errors.push(...joined(`${path}.${field}`, value, details, 'may have mixed case, but should otherwise match: '))
  }
  label('plural', names.plural)
  label('singular', names.singular)
  mixed('kind', names.kind)
  mixed('listKind', names.listKind)
  for (const [i, name] of (names.shortNames ?? []).entries())
    errors.push(...joined(`${path}.shortNames[${i}]`, name, dns1035LabelErrors(name)))
  if (names.kind !== undefined && names.kind !== '' && names.kind === names.listKind)
    errors.push(invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  for (const [i, name] of (names.categories ?? []).entries())
    errors.push(...joined(`${path}.categories[${i}]`, name, dns1035LabelErrors(name)))
  return errors
}

const groupErrors = ({ group = '' }: Spec): FieldError[] => {
  if (group === '') return [required('spec.group')]
  const details = dns1123SubdomainErrors(group)
  if (details.length > 0) return joined('spec.group', group, details)
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')]
}

const scopes = ['Cluster', 'Namespaced']

const scopeErrors = ({ scope = '' }: Spec): FieldError[] =>
  scope === '' ? [required('spec.scope')] : scopes.includes(scope) ? [] : [notSupported('spec.scope', scope, scopes)]

const versionListErrors = ({ versions = [] }: Spec): FieldError[] => {
  const names = versions.map(({ name = '' }) => name)
  return [
    ...names.flatMap((name, i) => joined(`spec.versions[${i}].name`, name, dns1035LabelErrors(name))),
    ...(new Set(names).size < names.length
      ? [invalid('spec.versions', versions, 'must contain unique version names')]
      : []),
    ...(versions.filter(({ storage }) => storage === true).length === 1
      ? []
      : [invalid('spec.versions', versions, 'must have exactly one version marked as storage version')]),
  ]
}

const requiredNames = ['plural', 'singular', 'kind', 'listKind'] as const

const specErrors = (spec: Spec, old: Spec | undefined): FieldError[] => {
  const { names = {} } = spec
  return [
    ...groupErrors(spec),
    ...scopeErrors(spec),
    ...(spec.preserveUnknownFields === true
      ? [
          invalid(
            'spec.preserveUnknownFields',
            true,
            'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
          ),
        ]
      : []),
    ...versionErrors(spec.versions ?? [], old?.versions),
    ...versionListErrors(spec),
    ...requiredNames.flatMap(name => (names[name] ? [] : [required(`spec.names.${name}`)])),
    ...namesErrors(names, 'spec.names'),
    ...conversionErrors(spec.conversion),
  ]
}

/** All rules of a new definition. (Upstream: ValidateCustomResourceDefinition.) */
export const validateDefinition = (object: UnknownObject): FieldError[] => {
  const definition = definitionOf(object)
  const { spec = {}, metadata } = definition
  const name = metadata?.name ?? ''
  return [
    ...(name === `${spec.names?.plural ?? ''}.${spec.group ?? ''}`
      ? []
      : [invalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group')]),
    ...specErrors(spec, undefined),
    ...approvalErrors(definition, undefined),
  ]
}

const immutable = (field: string, value: unknown, old: unknown): FieldError[] =>
  equalJson(value, old) ? [] : [invalid(field, value, immutableMessage)]

const storedVersionErrors = (definition: CustomResourceDefinition): FieldError[] => {
  const path = 'status.storedVersions'
  const stored = definition.status?.storedVersions ?? []
  if (stored.length === 0) return [invalid(path, stored, 'must have at least one stored version')]
  const versions = definition.spec?.versions ?? []
  const names = versions.map(({ name }) => name)
  return [
    ...versions
      .filter(({ storage, name = '' }) => storage === true && !stored.includes(name))
      .map(({ name = '' }) => invalid(path, stored, `must have the storage version ${name}`)),
    ...stored.flatMap((name, i) =>
      names.includes(name)
        ? []
        : [
            invalid(
              `${path}[${i}]`,
              name,
              `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
            ),
          ],
    ),
  ]
}

const statusErrors = (definition: CustomResourceDefinition): FieldError[] =>
  namesErrors(definition.status?.acceptedNames ?? {}, 'status.acceptedNames')

/** All rules of a changed definition; what was so before and is not changed is not held against it. */
export const validateDefinitionUpdate = (
  object: UnknownObject,
  oldObject: UnknownObject,
  subresource: string,
): FieldError[] => {
  const definition = definitionOf(object)
  const old = definitionOf(oldObject)
  if (subresource === 'status') return statusErrors(definition)
  const { spec = {} } = definition
  const { spec: before = {} } = old
  return [
    ...specErrors(spec, before),
    ...(isTrue(old, 'Established')
      ? [
          ...immutable('spec.scope', spec.scope, before.scope),
          ...immutable('spec.names.kind', spec.names?.kind, before.names?.kind),
        ]
      : []),
    ...immutable('spec.group', spec.group, before.group),
    ...immutable('spec.names.plural', spec.names?.plural, before.names?.plural),
    ...statusErrors(definition),
    ...storedVersionErrors(definition),
    ...approvalErrors(definition, old),
  ]
}
