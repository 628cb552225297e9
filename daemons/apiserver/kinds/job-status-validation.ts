import type { Job, JobStatus } from 'kubernetes-types/batch/v1.js'
import type { Draft } from './draft.ts'
import { duplicate, invalid, required } from './field-error.ts'
import { countIndexes, overlappingIndex } from './job-indexes.ts'
import type { FieldError } from './kind.ts'
import { validateCounts } from './status-counts.ts'

type Row = Draft<Job>
type Status = Draft<JobStatus>

export const hasJobCondition = (status: Status | undefined, type: string): boolean =>
  (status?.conditions ?? []).some(condition => condition.type === type && condition.status === 'True')

/** An error without a value: that of conditions is too long to show. */
const invalidConditions = (detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field: 'status.conditions',
  message: `Invalid value: ${detail}`,
})

/** Conditions that exclude each other, and those that come only after another. */
const validateConditions = (status: Status): FieldError[] => {
  const is = (type: string): boolean => hasJobCondition(status, type)
  const rules: [boolean, string][] = [
    [is('Complete') && is('Failed'), 'cannot set Complete=True and Failed=true conditions'],
    [is('Complete') && is('FailureTarget'), 'cannot set Complete=True and FailureTarget=true conditions'],
    [is('Failed') && !is('FailureTarget'), 'cannot set Failed=True condition without the FailureTarget=true condition'],
    [
      is('Complete') && !is('SuccessCriteriaMet'),
      'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    ],
    [is('SuccessCriteriaMet') && is('Failed'), 'cannot set SuccessCriteriaMet=True and Failed=true conditions'],
    [
      is('SuccessCriteriaMet') && is('FailureTarget'),
      'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
    ],
  ]
  return rules.filter(([broken]) => broken).map(([, detail]) => invalidConditions(detail))
}

const validateTimes = (status: Status): FieldError[] => {
  const errors: FieldError[] = []
  const { startTime, completionTime } = status
  const complete = hasJobCondition(status, 'Complete')
  const path = 'status.completionTime'
  if (completionTime && !complete)
    errors.push(invalid(path, completionTime, 'cannot set completionTime when there is no Complete=True condition'))
  if (!completionTime && complete) errors.push(required(path, 'completionTime is required for Complete jobs'))
  if (startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime))
    errors.push(invalid(path, completionTime, 'completionTime cannot be set before startTime'))
  if (!startTime && (complete || hasJobCondition(status, 'Failed')))
    errors.push(required('status.startTime', 'startTime is required for finished job'))
  return errors
}

const validateUncounted = (status: Status, finished: boolean): FieldError[] => {
  const uncounted = status.uncountedTerminatedPods
  const errors: FieldError[] = []
  const seen = new Set<string>()
  let count = 0
  for (const list of ['succeeded', 'failed'] as const)
    for (const [i, uid] of (uncounted?.[list] ?? []).entries()) {
      const path = `status.uncountedTerminatedPods.${list}[${i}]`
      if (uid === '') errors.push(invalid(path, uid, 'must not be empty'))
      else if (seen.has(uid)) errors.push(duplicate(path, uid))
      seen.add(uid)
      count++
    }
  if (finished && count > 0)
    errors.push(
      invalid(
        'status.uncountedTerminatedPods',
        uncounted,
        'uncountedTerminatedPods needs to be empty for finished job',
      ),
    )
  return errors
}

const validateIndexes = ({ spec = {}, status = {} }: Row): FieldError[] => {
  const errors: FieldError[] = []
  const { completions } = spec
  const { completedIndexes = '', failedIndexes } = status
  if (completedIndexes !== '' && spec.completionMode !== 'Indexed')
    errors.push(
      invalid(
        'status.completedIndexes',
        completedIndexes,
        'cannot set non-empty completedIndexes when non-indexed completion mode',
      ),
    )
  if (spec.backoffLimitPerIndex === undefined && failedIndexes !== undefined)
    errors.push(
      invalid(
        'status.failedIndexes',
        failedIndexes,
        'cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      ),
    )
  if (completions === undefined) return errors
  for (const [field, text] of [
    ['completedIndexes', completedIndexes],
    ['failedIndexes', failedIndexes ?? ''],
  ] as const) {
    const { error } = countIndexes(text, completions)
    if (error !== undefined) errors.push(invalid(`status.${field}`, text, `error parsing ${field}: ${error}`))
  }
  const both = overlappingIndex(completedIndexes, failedIndexes ?? '', completions)
  if (both !== undefined)
    errors.push(
      invalid('status.failedIndexes', failedIndexes, `failedIndexes and completedIndexes overlap at index: ${both}`),
    )
  return errors
}

/** What may not be undone: an end, a count, a time. */
const validateProgress = (job: Row, old: Row): FieldError[] => {
  const [status, before] = [job.status ?? {}, old.status ?? {}]
  const errors: FieldError[] = []
  for (const type of ['Failed', 'Complete', 'FailureTarget'])
    if (hasJobCondition(before, type) && !hasJobCondition(status, type))
      errors.push(invalidConditions(`cannot disable the terminal ${type}=True condition`))
  if (hasJobCondition(before, 'SuccessCriteriaMet') && !hasJobCondition(status, 'SuccessCriteriaMet'))
    errors.push(invalidConditions('cannot disable the SuccessCriteriaMet=True condition'))
  for (const field of ['failed', 'succeeded'] as const)
    if ((status[field] ?? 0) < (before[field] ?? 0))
      errors.push(invalid(`status.${field}`, status[field] ?? 0, `cannot decrease the ${field} counter`))
  const { completionTime } = status
  if (completionTime && before.completionTime && completionTime !== before.completionTime)
    errors.push(invalid('status.completionTime', completionTime, 'completionTime cannot be mutated'))
  // A Job that is resumed starts anew (upstream allows it from v1.34.2 on; before, such a Job could never go on).
  const resumed = hasJobCondition(before, 'Suspended') && !hasJobCondition(status, 'Suspended')
  if (before.startTime && before.startTime !== status.startTime && job.spec?.suspend !== true && !resumed)
    errors.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'))
  return errors
}

export const validateJobStatus = (job: Row, old: Row): FieldError[] => {
  const status = job.status ?? {}
  const finished = hasJobCondition(status, 'Complete') || hasJobCondition(status, 'Failed')
  const errors = validateCounts(status, ['active', 'succeeded', 'failed', 'ready', 'terminating'])
  for (const field of ['active', 'terminating'] as const)
    if (finished && (status[field] ?? 0) > 0)
      errors.push(invalid(`status.${field}`, status[field], `${field}>0 is invalid for finished job`))
  if ((status.ready ?? 0) > (status.active ?? 0))
    errors.push(invalid('status.ready', status.ready, 'cannot set more ready pods than active'))
  return [
    ...errors,
    ...validateConditions(status),
    ...validateTimes(status),
    ...validateUncounted(status, finished),
    ...validateIndexes(job),
    ...validateProgress(job, old),
  ]
}
