import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { forbidden, notSupported } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateAnnotations, validateLabels } from './metadata-validation.ts'
import { validatePodSpec } from './pod-spec-validation.ts'

/** What holds for every template of pods, at `path`. (Upstream leaves `metadata` out of the paths of its labels.) */
export const validatePodTemplate = (template: Draft<PodTemplateSpec>, path: string): FieldError[] => {
  const errors = [
    ...validateLabels(template.metadata?.labels, `${path}.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${path}.annotations`),
    ...validatePodSpec(template.spec ?? {}, `${path}.spec`),
  ]
  if (template.spec?.ephemeralContainers?.length)
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
  return errors
}

/** Pods that a controller keeps running are restarted for good. `what`: `ReplicaSet`, `DaemonSet`, … */
export const validateRunsForever = (template: Draft<PodTemplateSpec>, path: string, what: string): FieldError[] => {
  const errors: FieldError[] = []
  const { restartPolicy, activeDeadlineSeconds: deadline } = template.spec ?? {}
  if (restartPolicy !== 'Always')
    errors.push(notSupported(`${path}.spec.restartPolicy`, restartPolicy ?? '', ['Always']))
  if (deadline !== undefined && deadline !== null)
    errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${what} is not Supported`))
  return errors
}
