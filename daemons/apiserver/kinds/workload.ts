import type { LabelSelector } from 'kubernetes-types/meta/v1.js'
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { formatLabelSelector } from '../../../kube/selectors.ts'
import type { MetaLabelSelector } from '../../../kube/selectors.ts'
import { column, containerImages, containerNames, orNone } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { immutableMessage, invalid, required } from './field-error.ts'
import type { Column, FieldError, ScaleRow } from './kind.ts'
import { validatePodTemplate, validateRunsForever } from './pod-template-validation.ts'
import { isEmptySelector, selectorMatches, validateLabelSelector } from './selector-validation.ts'

/** What Deployments, ReplicaSets and StatefulSets have in common. */
export interface Workload {
  spec: { replicas?: number; minReadySeconds?: number; selector: LabelSelector; template: PodTemplateSpec }
  status: { replicas?: number }
}

export type Selector = Draft<LabelSelector> | undefined

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
  const { selector, template = {} } = spec
  const errors = validateSelector(selector, what)
  if (selector && validateLabelSelector(selector, '').length > 0)
    return [...errors, invalid('spec.selector', selector, 'invalid label selector')]
  return [
    ...errors,
    ...validateChosen(selector, template),
    ...validatePodTemplate(template, 'spec.template'),
    ...validateRunsForever(template, 'spec.template', 'ReplicaSet'),
  ]
}

/** There is one, it can be read, and it does not choose everything. */
export const validateSelector = (selector: Selector, what: string): FieldError[] => {
  if (!selector) return [required('spec.selector')]
  const errors = validateLabelSelector(selector, 'spec.selector')
  if (isEmptySelector(selector))
    errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${what}`))
  return errors
}

/** A controller would make pods without end if its selector did not choose them. */
export const validateChosen = (selector: Selector, template: Draft<PodTemplateSpec>): FieldError[] => {
  const labels = template.metadata?.labels
  const chosen = selector !== undefined && (isEmptySelector(selector) || selectorMatches(selector, labels ?? {}))
  return chosen
    ? []
    : [invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`')]
}

/** A selector never changes: the pods it once chose would be left behind. */
export const validateSelectorUpdate = (next: Draft<Workload>, old: Draft<Workload>): FieldError[] =>
  isDeepStrictEqual(next.spec?.selector, old.spec?.selector)
    ? []
    : [invalid('spec.selector', next.spec?.selector, immutableMessage)]
