import type { LabelSelector } from 'kubernetes-types/meta/v1.js'
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { formatLabelSelector } from '../../../kube/selectors.ts'
import type { MetaLabelSelector } from '../../../kube/selectors.ts'
import { column, containerImages, containerNames, orNone } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, immutableMessage, invalid, notSupported, required } from './field-error.ts'
import type { Column, FieldError, ScaleRow } from './kind.ts'
import { validateAnnotations, validateLabels } from './metadata-validation.ts'
import { validatePodSpec } from './pod-spec-validation.ts'
import { isEmptySelector, selectorMatches, validateLabelSelector } from './selector-validation.ts'

/** What Deployments and ReplicaSets have in common. */
export interface Workload {
  spec: { replicas?: number; minReadySeconds?: number; selector: LabelSelector; template: PodTemplateSpec }
  status: { replicas?: number }
}

type Selector = Draft<LabelSelector> | undefined

const selectorText = (selector: Selector): string => formatLabelSelector(selector as MetaLabelSelector | undefined)

/** Containers, Images and Selector, with -o wide. */
export const templateColumns: readonly Column[] = [
  column<Workload>(
    'Containers',
    'The names of its containers.',
    o => containerNames(o.spec?.template?.spec?.containers),
    {
      wide: true,
    },
  ),
  column<Workload>(
    'Images',
    'The images of its containers.',
    o => containerImages(o.spec?.template?.spec?.containers),
    {
      wide: true,
    },
  ),
  column<Workload>('Selector', 'The labels of its pods.', o => orNone(selectorText(o.spec?.selector)), { wide: true }),
]

export const workloadScale: ScaleRow = {
  replicas: object => draftOf<Workload>(object).spec?.replicas ?? 0,
  setReplicas: (object, replicas) => {
    const workload = draftOf<Workload>(object)
    ;(workload.spec ??= {}).replicas = replicas
  },
  statusReplicas: object => draftOf<Workload>(object).status?.replicas ?? 0,
  selector: object => selectorText(draftOf<Workload>(object).spec?.selector),
}

/** `what` is `deployment` or `ReplicaSet`, for the words of the errors. */
export const validateSelectorAndTemplate = (spec: Draft<Workload['spec']>, what: string): FieldError[] => {
  const errors: FieldError[] = []
  const { selector, template } = spec
  if (!selector) errors.push(required('spec.selector'))
  else {
    errors.push(...validateLabelSelector(selector, 'spec.selector'))
    if (isEmptySelector(selector))
      errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${what}`))
  }
  if (!template) return [...errors, required('spec.template')]
  const labels = template.metadata?.labels ?? {}
  if (selector && errors.length === 0 && !selectorMatches(selector, labels))
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  errors.push(...validateTemplate(template))
  return errors
}

const validateTemplate = (template: Draft<PodTemplateSpec>): FieldError[] => {
  const path = 'spec.template'
  const errors = [
    ...validateLabels(template.metadata?.labels, `${path}.metadata.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${path}.metadata.annotations`),
    ...validatePodSpec(template.spec ?? {}, `${path}.spec`),
  ]
  const policy = template.spec?.restartPolicy
  if (policy !== 'Always') errors.push(notSupported(`${path}.spec.restartPolicy`, policy, ['Always']))
  if (template.spec?.activeDeadlineSeconds)
    errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, 'activeDeadlineSeconds in ReplicaSet is not Supported'))
  return errors
}

/** A selector never changes: the pods it once chose would be left behind. */
export const validateSelectorUpdate = (next: Draft<Workload>, old: Draft<Workload>): FieldError[] =>
  isDeepStrictEqual(next.spec?.selector, old.spec?.selector)
    ? []
    : [invalid('spec.selector', next.spec?.selector, immutableMessage)]
