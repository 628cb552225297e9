import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from 'kubernetes-types/authorization/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import type { Attributes } from '../auth/attributes.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { UserInfo } from '../auth/user-info.ts'
import { type Draft, draftOf } from './draft.ts'
import { invalid } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { reviewRow } from './review-row.ts'

const group = 'authorization.k8s.io'

/** Upstream's FieldSelectorAttributes: as it was sent, or taken apart. */
interface FieldSelector {
  rawSelector?: string
  requirements?: readonly { key?: string; operator?: string; values?: readonly string[] }[]
}

/** Of any review of access: what is asked about. */
type Spec = NonNullable<Draft<SelfSubjectAccessReview>['spec']> & {
  resourceAttributes?: { fieldSelector?: FieldSelector } | undefined
}

const text = (value: string | undefined): string => value ?? ''

/** A field selector as a list request sends it. */
const selectorText = (selector: FieldSelector | undefined): string =>
  selector?.rawSelector ??
  (selector?.requirements ?? [])
    .flatMap(({ key, operator, values }) =>
      operator === 'In' && values?.length === 1 ? `${text(key)}=${text(values[0])}` : [],
    )
    .join(',')

const attributesOf = ({ resourceAttributes: resource, nonResourceAttributes: path }: Spec): Attributes => {
  if (path) return { kind: 'path', verb: text(path.verb), path: text(path.path) }
  const fieldSelector = selectorText(resource?.fieldSelector)
  return {
    kind: 'resource',
    verb: text(resource?.verb),
    group: text(resource?.group),
    plural: text(resource?.resource),
    subresource: text(resource?.subresource),
    namespace: text(resource?.namespace),
    name: text(resource?.name),
    ...(fieldSelector === '' ? {} : { fieldSelector }),
  }
}

const validateSpec = ({ resourceAttributes, nonResourceAttributes }: Spec): FieldError[] => {
  if ((resourceAttributes === undefined) !== (nonResourceAttributes === undefined)) return []
  if (nonResourceAttributes !== undefined)
    return [
      invalid(
        'spec.nonResourceAttributes',
        nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    ]
  const rule = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
  return [invalid('spec.resourceAttributes', null, rule)]
}

type SubjectSpec = NonNullable<Draft<SubjectAccessReview>['spec']>

const subjectSpec = (review: UnknownObject): SubjectSpec => draftOf<SubjectAccessReview>(review).spec ?? {}

const validateSubject = (review: UnknownObject): FieldError[] => {
  const spec = subjectSpec(review)
  const named = text(spec.user) !== '' || (spec.groups ?? []).length > 0
  const errors = validateSpec(spec)
  return named
    ? errors
    : [...errors, invalid('spec.user', text(spec.user), 'at least one of user or group must be specified')]
}

/** About one namespace only: the one it is created in. */
const validateLocal = (review: UnknownObject): FieldError[] => {
  const { metadata, spec } = draftOf<LocalSubjectAccessReview>(review)
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec ?? {}
  const errors = validateSubject(review)
  if (resource && text(resource.namespace) !== text(metadata?.namespace))
    errors.push(invalid('spec.resourceAttributes.namespace', text(resource.namespace), 'must match metadata.namespace'))
  if (path) errors.push(invalid('spec.nonResourceAttributes', path, 'disallowed on this kind of request'))
  return errors
}

const subjectOf = ({ user, uid, groups, extra }: SubjectSpec): UserInfo => ({
  name: text(user),
  groups: (groups ?? []).map(text),
  ...(uid ? { uid } : {}),
  ...(extra === undefined ? {} : { extra: extra as Record<string, string[]> }),
})

const statusOf = (authorizer: Authorizer, user: UserInfo, spec: Spec) => {
  const { decision, reason } = authorizer.authorize(user, attributesOf(spec))
  return {
    allowed: decision === 'allow',
    ...(decision === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
  }
}

/** `kubectl auth can-i get pods` */
const selfAccessReview: Kind = {
  ...reviewRow,
  group,
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  validate: review => validateSpec(draftOf<SelfSubjectAccessReview>(review).spec ?? {}),
  review: (review, { user, authorizer }) => ({
    ...review,
    status: statusOf(authorizer, user, draftOf<SelfSubjectAccessReview>(review).spec ?? {}),
  }),
}

const answerSubject: NonNullable<Kind['review']> = (review, { authorizer }) => {
  const spec = subjectSpec(review)
  return { ...review, status: statusOf(authorizer, subjectOf(spec), spec) }
}

const accessReview: Kind = {
  ...reviewRow,
  group,
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  singular: 'subjectaccessreview',
  schema: 'io.k8s.api.authorization.v1.SubjectAccessReview',
  validate: validateSubject,
  review: answerSubject,
}

const localAccessReview: Kind = {
  ...reviewRow,
  namespaced: true,
  group,
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  singular: 'localsubjectaccessreview',
  schema: 'io.k8s.api.authorization.v1.LocalSubjectAccessReview',
  validate: validateLocal,
  review: answerSubject,
}

/** `kubectl auth can-i --list` */
const rulesReview: Kind = {
  ...reviewRow,
  group,
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  singular: 'selfsubjectrulesreview',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  review: (review, { user, authorizer }) => {
    const namespace = text(draftOf<SelfSubjectRulesReview>(review).spec?.namespace)
    return { ...review, status: authorizer.rulesFor(user, namespace) }
  },
  validate: review =>
    draftOf<SelfSubjectRulesReview>(review).spec?.namespace
      ? []
      : [invalid('spec.namespace', '', 'namespace is required')],
}

export const accessReviewKinds: readonly Kind[] = [selfAccessReview, accessReview, localAccessReview, rulesReview]
