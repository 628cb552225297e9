import type { Pod } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { forbidden } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateEphemeralContainers } from './pod-ephemeral.ts'
import { validateNoEphemeral, validatePodSpec } from './pod-spec-validation.ts'

/** A token is somebody's: admission has put the name of an account there, unless it is switched off. */
const validateTokens = (spec: NonNullable<Draft<Pod>['spec']>): FieldError[] =>
  spec.serviceAccountName
    ? []
    : (spec.volumes ?? []).flatMap(({ projected }, i) =>
        (projected?.sources ?? []).flatMap(({ serviceAccountToken }, j) =>
          serviceAccountToken
            ? [
                forbidden(
                  `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`,
                  'must not be specified when serviceAccountName is not set',
                ),
              ]
            : [],
        ),
      )

/** A pod by itself, on every write; validatePodUpdate has what a change may not do. */
export const validatePod = (pod: Draft<Pod>): FieldError[] => {
  const spec = pod.spec ?? {}
  return [...validatePodSpec(spec, 'spec'), ...validateEphemeralContainers(spec), ...validateTokens(spec)]
}

/** What holds of a new pod besides. */
export const validateNewPod = (pod: Draft<Pod>): FieldError[] => {
  const spec = pod.spec ?? {}
  const errors = validateNoEphemeral(spec)
  // Gates hold a pod back from the scheduler: one that is placed already passed them.
  if (spec.nodeName && spec.schedulingGates?.length)
    errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
  return errors
}
