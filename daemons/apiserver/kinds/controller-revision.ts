import type { ControllerRevision } from 'kubernetes-types/apps/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { nonNegative, required } from './field-error.ts'
import type { Kind } from './kind.ts'
import { immutable } from './status-counts.ts'

/** `statefulset.apps/web` */
const controllerCell = (revision: Draft<ControllerRevision>): string => {
  const owner = (revision.metadata?.ownerReferences ?? []).find(o => o.controller === true)
  if (owner === undefined) return '<none>'
  const [group, version] = (owner.apiVersion ?? '').split('/')
  const suffix = version === undefined ? '' : `.${group}`
  return `${`${owner.kind ?? ''}${suffix}`.toLowerCase()}/${owner.name ?? ''}`
}

export const controllerRevisionKind: Kind = {
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.apps.v1.ControllerRevision',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  setDefaults: object => {
    draftOf<ControllerRevision>(object).revision ??= 0
  },
  validate: object => {
    const { data, revision } = draftOf<ControllerRevision>(object)
    return [
      ...(data === undefined || data === null ? [required('data', 'data is mandatory')] : []),
      ...nonNegative('revision', revision),
    ]
  },
  validateUpdate: (object, old) => {
    const { data } = draftOf<ControllerRevision>(object)
    return immutable('data', data, isDeepStrictEqual(data, draftOf<ControllerRevision>(old).data))
  },
  columns: [
    nameColumn,
    column<ControllerRevision>('Controller', 'What it is a revision of.', controllerCell),
    column<ControllerRevision>('Revision', 'The number of the revision.', o => o.revision ?? 0),
    ageColumn,
  ],
}
