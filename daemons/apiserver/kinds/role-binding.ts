import { isDeepStrictEqual } from 'node:util'
import type { RoleBinding, Subject } from 'kubernetes-types/rbac/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123SubdomainErrors, pathSegmentErrors } from './name-syntax.ts'

type Binding = Draft<RoleBinding>

const rbacGroup = 'rbac.authorization.k8s.io'

const setDefaults = (binding: Binding): void => {
  ;(binding.roleRef ??= {}).apiGroup ||= rbacGroup
  for (const subject of binding.subjects ?? [])
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup
}

const validateServiceAccount = (subject: Draft<Subject>, path: string, namespaced: boolean): FieldError[] => {
  const { name = '', apiGroup, namespace } = subject
  const errors = name === '' ? [] : invalidEach(`${path}.name`, name, dns1123SubdomainErrors(name))
  if (apiGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, ['']))
  if (!namespaced && !namespace) errors.push(required(`${path}.namespace`))
  return errors
}

const validateSubject = (subject: Draft<Subject>, path: string, namespaced: boolean): FieldError[] => {
  const { kind = '', name = '', apiGroup = '' } = subject
  const errors = name === '' ? [required(`${path}.name`)] : []
  switch (kind) {
    case 'ServiceAccount':
      return [...errors, ...validateServiceAccount(subject, path, namespaced)]
    case 'User':
    case 'Group':
      if (apiGroup !== rbacGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]))
      return errors
    default:
      return [...errors, notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group'])]
  }
}

const validate = ({ roleRef, subjects }: Binding, namespaced: boolean): FieldError[] => {
  const errors: FieldError[] = []
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {}
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (apiGroup !== rbacGroup) errors.push(notSupported('roleRef.apiGroup', apiGroup, [rbacGroup]))
  if (!kinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, kinds))
  if (name === '') errors.push(required('roleRef.name'))
  else errors.push(...invalidEach('roleRef.name', name, pathSegmentErrors(name)))
  return [...errors, ...(subjects ?? []).flatMap((s, i) => validateSubject(s, `subjects[${i}]`, namespaced))]
}

/** Who may do something is changed by making another binding: a changed roleRef would give it to all of them at once. */
const validateUpdate = (binding: Binding, old: Binding): FieldError[] =>
  isDeepStrictEqual(binding.roleRef, old.roleRef) ? [] : [invalid('roleRef', binding.roleRef, 'cannot change roleRef')]

const subjectsOf = (kind: string, { subjects }: Binding): string =>
  (subjects ?? [])
    .filter(subject => subject.kind === kind)
    .map(({ name = '', namespace = '' }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
    .join(', ')

const columns = [
  nameColumn,
  column<RoleBinding>('Role', 'The role that is given.', o => `${o.roleRef?.kind ?? ''}/${o.roleRef?.name ?? ''}`),
  ageColumn,
  column<RoleBinding>('Users', 'The users who get it.', o => subjectsOf('User', o), { wide: true }),
  column<RoleBinding>('Groups', 'The groups that get it.', o => subjectsOf('Group', o), { wide: true }),
  column<RoleBinding>('ServiceAccounts', 'The service accounts that get it.', o => subjectsOf('ServiceAccount', o), {
    wide: true,
  }),
]

const bindingRow = (namespaced: boolean) =>
  ({
    group: rbacGroup,
    version: 'v1',
    shortNames: [],
    categories: [],
    namespaced,
    hasStatus: false,
    subresources: [],
    generationFields: [],
    nameRule: 'path-segment',
    setDefaults: object => setDefaults(draftOf<RoleBinding>(object)),
    validate: object => validate(draftOf<RoleBinding>(object), namespaced),
    validateUpdate: (object, old) => validateUpdate(draftOf<RoleBinding>(object), draftOf<RoleBinding>(old)),
    columns,
  }) satisfies Omit<Kind, 'kind' | 'plural' | 'singular' | 'schema'>

export const roleBindingKind: Kind = {
  ...bindingRow(true),
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  schema: 'io.k8s.api.rbac.v1.RoleBinding',
}

export const clusterRoleBindingKind: Kind = {
  ...bindingRow(false),
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  schema: 'io.k8s.api.rbac.v1.ClusterRoleBinding',
}
