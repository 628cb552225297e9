import type { UnknownObject } from '../../../kube/object.ts'
import type { Namespace } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import { invalid } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { validateFinalizer } from './metadata-validation.ts'

const nameLabel = 'kubernetes.io/metadata.name'

/** A namespace is Terminating while it is deleted, and only then. */
const validatePhase = (object: UnknownObject): FieldError[] => {
  const phase = draftOf<Namespace>(object).status?.phase ?? ''
  const deleting = object.metadata?.deletionTimestamp !== undefined
  const allowed = deleting ? 'Terminating' : 'Active'
  const when = `\`deletionTimestamp\` is ${deleting ? 'not ' : ''}empty`
  return phase === allowed ? [] : [invalid('status.Phase', phase, `may only be '${allowed}' if ${when}`)]
}

export const namespaceKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.core.v1.Namespace',
  hasStatus: true,
  subresources: ['finalize'],
  generationFields: [],
  nameRule: 'dns-label',
  setDefaults: object => {
    const name = object.metadata?.name
    // Selectors of namespaces find one by its name through this label, so it can be neither changed nor removed.
    if (!name || !object.metadata) return
    if (object.metadata.labels?.[nameLabel] === name) return
    ;(object.metadata.labels ??= {})[nameLabel] = name
  },
  prepareForCreate: object => {
    const namespace = draftOf<Namespace>(object)
    namespace.status = { phase: 'Active' }
    const spec = (namespace.spec ??= {})
    const finalizers = (spec.finalizers ??= [])
    if (!finalizers.includes('kubernetes')) finalizers.push('kubernetes')
  },
  prepareForUpdate: (object, old) => {
    // Finalizers change through the finalize subresource alone; the registry brings its writes past this row.
    const before = draftOf<Namespace>(old).spec?.finalizers
    const spec = (draftOf<Namespace>(object).spec ??= {})
    if (before) spec.finalizers = before
  },
  validate: object => {
    const finalizers = draftOf<Namespace>(object).spec?.finalizers ?? []
    return finalizers.flatMap(finalizer => validateFinalizer(finalizer, 'spec.finalizers', 'spec.finalizers'))
  },
  validateUpdate: (object, _old, subresource) => (subresource === 'status' ? validatePhase(object) : []),
  selectableFields: { 'status.phase': object => draftOf<Namespace>(object).status?.phase ?? '' },
  columns: [
    nameColumn,
    column<Namespace>('Status', 'Active, or Terminating while its content is removed.', o => o.status?.phase ?? ''),
    ageColumn,
  ],
}
