import type { SelfSubjectAccessReview, SelfSubjectRulesReview } from 'kubernetes-types/authorization/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import type { UserInfo } from '../auth/user-info.ts'
import { isAuthorized, rulesOf, type Attributes } from '../auth/authorizer.ts'
import { draftOf } from './draft.ts'
import { invalid } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'

/** What the rows of reviews have in common: they answer who asks, and nothing is stored. */
const reviewRow = {
  version: 'v1',
  shortNames: [],
  categories: [],
  namespaced: false,
  hasStatus: false,
  subresources: [],
  generationFields: [],
  columns: [],
} as const

const text = (value: string | undefined): string => value ?? ''

const attributesOf = (review: UnknownObject): Attributes | undefined => {
  const { resourceAttributes: resource, nonResourceAttributes: path } =
    draftOf<SelfSubjectAccessReview>(review).spec ?? {}
  if (path) return { kind: 'path', verb: text(path.verb), path: text(path.path) }
  if (!resource) return undefined
  return {
    kind: 'resource',
    verb: text(resource.verb),
    group: text(resource.group),
    plural: text(resource.resource),
    subresource: text(resource.subresource),
    namespace: text(resource.namespace),
    name: text(resource.name),
  }
}

const validateAccessReview = (review: UnknownObject): FieldError[] => {
  const { resourceAttributes, nonResourceAttributes } = draftOf<SelfSubjectAccessReview>(review).spec ?? {}
  if ((resourceAttributes === undefined) !== (nonResourceAttributes === undefined)) return []
  const rule = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
  const both = nonResourceAttributes !== undefined
  const field = both ? 'spec.nonResourceAttributes' : 'spec.resourceAttributes'
  return [
    invalid(
      field,
      both ? nonResourceAttributes : null,
      both ? `cannot be specified in combination with resourceAttributes` : rule,
    ),
  ]
}

/** `kubectl auth can-i get pods` */
const accessReview: Kind = {
  ...reviewRow,
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  validate: validateAccessReview,
  review: (review, user) => {
    const wanted = attributesOf(review)
    return { ...review, status: { allowed: wanted !== undefined && isAuthorized(user, wanted) } }
  },
}

/** `kubectl auth can-i --list` */
const rulesReview: Kind = {
  ...reviewRow,
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  singular: 'selfsubjectrulesreview',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  validate: review =>
    draftOf<SelfSubjectRulesReview>(review).spec?.namespace
      ? []
      : [invalid('spec.namespace', '', 'namespace is required')],
  review: (review, user) => ({ ...review, status: { ...rulesOf(user), incomplete: false } }),
}

/** `kubectl auth whoami` */
const subjectReview: Kind = {
  ...reviewRow,
  group: 'authentication.k8s.io',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  schema: 'io.k8s.api.authentication.v1.SelfSubjectReview',
  review: (review, { name, groups }: UserInfo) => ({
    ...review,
    status: { userInfo: { username: name, groups: [...groups] } },
  }),
}

/** Kinds that can only be created, as a question: the answer is their status. */
export const reviewKinds: readonly Kind[] = [subjectReview, accessReview, rulesReview]
