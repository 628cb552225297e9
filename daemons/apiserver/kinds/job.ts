import type { Job, JobSpec } from 'kubernetes-types/batch/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { formatLabelSelector } from '../../../kube/selectors.ts'
import type { MetaLabelSelector } from '../../../kube/selectors.ts'
import { ageColumn, column, containerImages, containerNames, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, required } from './field-error.ts'
import { humanDuration } from './human-duration.ts'
import { validateJobSpec } from './job-spec-validation.ts'
import { hasJobCondition, validateJobStatus } from './job-status-validation.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123LabelErrors } from './name-syntax.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { templateWarnings } from './pod-warnings.ts'
import { selectorMatches, validateLabelSelector } from './selector-validation.ts'
import { immutable } from './status-counts.ts'
import { validateChosen } from './workload.ts'

type Row = Draft<Job>
type Spec = Draft<JobSpec>

const uidLabel = 'batch.kubernetes.io/controller-uid'
const oldUidLabel = 'controller-uid'
const nameLabel = 'batch.kubernetes.io/job-name'
const oldNameLabel = 'job-name'
const maxInt32 = 2_147_483_647

const setDefaults = (job: Row): void => {
  const spec = (job.spec ??= {})
  // Without either number it is one pod that runs once.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  // Where each index has a limit of its own, the whole has none.
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  spec.manualSelector ??= false
  defaultJobTemplate(spec)
  const labels = spec.template?.metadata?.labels ?? {}
  if (Object.keys(job.metadata?.labels ?? {}).length === 0 && Object.keys(labels).length > 0)
    (job.metadata ??= {}).labels = { ...labels }
}

/** What a Job and the Jobs of a CronJob get. */
export const defaultJobTemplate = (spec: Spec): void => {
  for (const rule of spec.podFailurePolicy?.rules ?? [])
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  defaultPodTemplate(spec)
}

/** Gives the pods labels no other Job's have, and selects by them, unless the user does that. */
const generateSelector = (job: Row): void => {
  const spec = (job.spec ??= {})
  if (spec.manualSelector === true) return
  const { name = '', uid = '' } = job.metadata ?? {}
  const labels = ((spec.template ??= {}).metadata ??= {}).labels ?? {}
  for (const [key, value] of Object.entries({
    [uidLabel]: uid,
    [oldUidLabel]: uid,
    [nameLabel]: name,
    [oldNameLabel]: name,
  }))
    labels[key] ??= value
  ;(spec.template.metadata ??= {}).labels = labels
  const selected = ((spec.selector ??= {}).matchLabels ??= {})
  selected[uidLabel] ??= uid
}

const prepareForCreate = (job: Row): void => {
  // A Job without labels has those of its template; what is added to the one stands in the other.
  const same = isDeepStrictEqual(job.metadata?.labels ?? {}, job.spec?.template?.metadata?.labels ?? {})
  generateSelector(job)
  job.status = {}
  const labels = job.spec?.template?.metadata?.labels ?? {}
  if (same && Object.keys(labels).length > 0) (job.metadata ??= {}).labels = { ...labels }
}

/** The generated labels and selector are those that were generated. */
const validateGenerated = (job: Row): FieldError[] => {
  const spec = job.spec ?? {}
  if (spec.manualSelector === true || !spec.selector) return []
  const { name = '', uid = '' } = job.metadata ?? {}
  const expected = { [oldUidLabel]: uid, [oldNameLabel]: name, [uidLabel]: uid, [nameLabel]: name }
  const labels = spec.template?.metadata?.labels ?? {}
  const path = 'spec.template.metadata'
  const errors: FieldError[] = []
  for (const [key, value] of Object.entries(expected)) {
    const found = labels[key]
    if (found === undefined) errors.push(required(`${path}.labels[${key}]`, `must be '${value}'`))
    else if (found !== value) errors.push(invalid(`${path}.labels[${key}]`, labels, `must be '${value}'`))
  }
  if (validateLabelSelector(spec.selector, '').length === 0 && !selectorMatches(spec.selector, expected))
    errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'))
  return errors
}

const validate = (job: Row): FieldError[] => {
  const spec = job.spec ?? {}
  const errors = validateJobSpec(spec, 'spec')
  if (!spec.selector) errors.push(required('spec.selector'))
  const wrong = validateLabelSelector(spec.selector, 'spec.selector')
  errors.push(...wrong)
  if (wrong.length === 0) errors.push(...validateChosen(spec.selector, spec.template ?? {}))
  return errors
}

const validateCreate = (job: Row): FieldError[] => {
  const errors = validateGenerated(job)
  const { completions = 0, completionMode } = job.spec ?? {}
  const name = job.metadata?.name ?? ''
  const last = `${name}-${completions - 1}`
  // The last index is part of a host name.
  if (completionMode === 'Indexed' && completions > 0 && dns1123LabelErrors(last).length > 0)
    errors.push(invalid('metadata.name', name, `will not able to create pod with invalid DNS label: ${last}`))
  return errors
}

/** The template without what may still change while no pod of a suspended Job was ever made. */
const scheduledTemplate = (spec: Spec): unknown => {
  const { nodeSelector: _, tolerations: __, schedulingGates: ___, affinity, ...pod } = spec.template?.spec ?? {}
  const { nodeAffinity: ____, ...rest } = affinity ?? {}
  return { spec: { ...pod, ...(Object.keys(rest).length === 0 ? {} : { affinity: rest }) } }
}

const validateCompletions = (next: Spec, old: Spec): FieldError[] => {
  if (next.completions === old.completions) return []
  if (next.completionMode !== 'Indexed') return immutable('spec.completions', next.completions, false)
  if (next.completions === undefined || next.completions === next.parallelism) return []
  return [invalid('spec.completions', next.completions, 'can only be modified in tandem with spec.parallelism')]
}

const validateUpdate = (job: Row, old: Row): FieldError[] => {
  const [next, before] = [job.spec ?? {}, old.spec ?? {}]
  const movable = before.suspend === true && !old.status?.startTime
  const sameTemplate = movable
    ? isDeepStrictEqual(scheduledTemplate(next), scheduledTemplate(before))
    : isDeepStrictEqual(next.template, before.template)
  return [
    ...validateCompletions(next, before),
    ...immutable('spec.selector', next.selector, isDeepStrictEqual(next.selector, before.selector)),
    ...immutable('spec.template', next.template, sameTemplate),
    ...(['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const).flatMap(
      field => immutable(`spec.${field}`, next[field], isDeepStrictEqual(next[field], before[field])),
    ),
  ]
}

const statusWord = ({ metadata, status }: Row): string => {
  if (hasJobCondition(status, 'Complete')) return 'Complete'
  if (hasJobCondition(status, 'Failed')) return 'Failed'
  if (metadata?.deletionTimestamp) return 'Terminating'
  for (const type of ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'])
    if (hasJobCondition(status, type)) return type
  return 'Running'
}

const completionsCell = ({ spec, status }: Row): string => {
  const done = status?.succeeded ?? 0
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`
  const parallelism = spec?.parallelism ?? 0
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`
}

const durationCell = ({ status }: Row, nowMs: number): string => {
  if (!status?.startTime) return ''
  const end = status.completionTime ? Date.parse(status.completionTime) : nowMs
  return humanDuration(end - Date.parse(status.startTime))
}

const wide = { wide: true }

/** Containers, Images and Selector of the Jobs' pods. */
export const jobTemplateColumns = <T>(specOf: (object: Draft<T>) => Spec | undefined) => [
  column<T>(
    'Containers',
    'The names of its containers.',
    o => containerNames(specOf(o)?.template?.spec?.containers),
    wide,
  ),
  column<T>(
    'Images',
    'The images of its containers.',
    o => containerImages(specOf(o)?.template?.spec?.containers),
    wide,
  ),
  column<T>(
    'Selector',
    'The labels of its pods.',
    o => formatLabelSelector(specOf(o)?.selector as MetaLabelSelector | undefined),
    wide,
  ),
]

export const jobKind: Kind = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  shortNames: [],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.batch.v1.Job',
  hasStatus: true,
  subresources: [],
  garbageCollection: 'OrphanDependents',
  deletionWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  generationFields: ['spec'],
  setDefaults: object => setDefaults(draftOf<Job>(object)),
  prepareForCreate: object => prepareForCreate(draftOf<Job>(object)),
  validate: object => validate(draftOf<Job>(object)),
  validateCreate: object => validateCreate(draftOf<Job>(object)),
  validateUpdate: (object, old, subresource) =>
    subresource === 'status'
      ? validateJobStatus(draftOf<Job>(object), draftOf<Job>(old))
      : validateUpdate(draftOf<Job>(object), draftOf<Job>(old)),
  warnings: object => jobWarnings(draftOf<Job>(object)),
  selectableFields: { 'status.successful': object => String(draftOf<Job>(object).status?.succeeded ?? 0) },
  columns: [
    nameColumn,
    column<Job>('Status', 'Where it is in its life.', statusWord),
    column<Job>('Completions', 'How many of its pods succeeded, of how many.', completionsCell),
    column<Job>('Duration', 'The time it took, or has taken so far.', durationCell),
    ageColumn,
    ...jobTemplateColumns<Job>(o => o.spec),
  ],
}

/** Names that are too long for the label that carries them, and so many completions that the status grows too large. */
const jobWarnings = (job: Row): string[] => {
  const name = job.metadata?.name ?? ''
  const { completions = 0, parallelism = 0, completionMode } = job.spec ?? {}
  const warnings: string[] = []
  if (dns1123LabelErrors(name).length > 0)
    warnings.push(
      `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${dns1123LabelErrors(name).join(' ')}]`,
    )
  if (completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000)
    warnings.push('In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail') // prettier-ignore
  return [...warnings, ...templateWarnings(job.spec?.template)]
}
