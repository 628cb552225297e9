import type { CronJob } from 'kubernetes-types/batch/v1.js'
import { isTimeZone, parseCron } from '../../../kube/cron.ts'
import { messageOf } from '../../../kube/errors.ts'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, nonNegative, notSupported, oneOf, required } from './field-error.ts'
import { ageOf } from './human-duration.ts'
import { validateJobSpec } from './job-spec-validation.ts'
import { defaultJobTemplate, jobTemplateColumns } from './job.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123LabelErrors } from './name-syntax.ts'
import { templateWarnings } from './pod-warnings.ts'

type Row = Draft<CronJob>
type Spec = NonNullable<Row['spec']>

/** The controller appends `-` and the minute to the name; a Job's name has 63 characters at most. */
const maxNameLength = 52

const setDefaults = (cronJob: Row): void => {
  const spec = (cronJob.spec ??= {})
  spec.concurrencyPolicy ||= 'Allow'
  spec.suspend ??= false
  spec.successfulJobsHistoryLimit ??= 3
  spec.failedJobsHistoryLimit ??= 1
  const template = (spec.jobTemplate ??= {})
  template.metadata ??= {}
  defaultJobTemplate((template.spec ??= {}))
}

const parseError = (schedule: string): string | undefined => {
  try {
    parseCron(schedule)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

const validateSchedule = (spec: Spec, old: Spec | undefined): FieldError[] => {
  const { schedule, timeZone } = spec
  const path = 'spec.schedule'
  if (!schedule) return [required(path)]
  const error = parseError(schedule)
  const errors = error === undefined ? [] : [invalid(path, schedule, error)]
  if (!schedule.includes('TZ')) return errors
  // Objects from before the field existed may keep what they have.
  if (!(old?.schedule ?? '').includes('TZ'))
    errors.push(invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
  else if (timeZone !== undefined)
    errors.push(invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
  return errors
}

const validateTimeZone = (zone: string | undefined): FieldError[] => {
  const path = 'spec.timeZone'
  if (zone === undefined || zone === null) return []
  if (zone === '') return [invalid(path, zone, 'timeZone must be nil or non-empty string')]
  const unknown = invalid(path, zone, `unknown time zone ${zone}`)
  const parts = zone.split('/')
  if (
    parts.some(part => part === '.' || part === '..' || part.startsWith('-') || !/^[A-Za-z.\-_0-9+]{1,14}$/.test(part))
  )
    return [unknown]
  if (zone.toLowerCase() === 'local')
    return [invalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')]
  return isTimeZone(zone) ? [] : [unknown]
}

const validateTemplate = ({ jobTemplate }: Spec): FieldError[] => {
  const spec = jobTemplate?.spec ?? {}
  const path = 'spec.jobTemplate.spec'
  const errors = validateJobSpec(spec, path)
  if (spec.selector) errors.push(invalid(`${path}.selector`, spec.selector, '`selector` will be auto-generated'))
  if (spec.manualSelector === true) errors.push(notSupported(`${path}.manualSelector`, true, ['nil', 'false']))
  return errors
}

const validate = (cronJob: Row): FieldError[] => {
  const spec = cronJob.spec ?? {}
  return [
    ...nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds),
    ...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...validateTemplate(spec),
    ...nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
    ...nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
  ]
}

const validateCreate = (cronJob: Row): FieldError[] => {
  const spec = cronJob.spec ?? {}
  const name = cronJob.metadata?.name ?? ''
  return [
    ...validateSchedule(spec, undefined),
    ...validateTimeZone(spec.timeZone),
    ...(name.length > maxNameLength
      ? [invalid('metadata.name', name, `must be no more than ${maxNameLength} characters`)]
      : []),
  ]
}

const validateUpdate = (next: Row, old: Row): FieldError[] => [
  ...validateSchedule(next.spec ?? {}, old.spec),
  ...(next.spec?.timeZone === old.spec?.timeZone ? [] : validateTimeZone(next.spec?.timeZone)),
]

const warnings = (cronJob: Row): string[] => {
  const name = cronJob.metadata?.name ?? ''
  const schedule = cronJob.spec?.schedule ?? ''
  const wrong = dns1123LabelErrors(name)
  return [
    ...(wrong.length > 0
      ? [
          `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(' ')}]`,
        ]
      : []),
    ...templateWarnings(cronJob.spec?.jobTemplate?.spec?.template, 'spec.jobTemplate.spec.template'),
    ...(schedule.includes('TZ')
      ? [
          'spec.schedule: CRON_TZ or TZ used in spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
        ]
      : []),
  ]
}

const suspendCell = ({ spec }: Row): string =>
  spec?.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'

export const cronJobKind: Kind = {
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.batch.v1.CronJob',
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => setDefaults(draftOf<CronJob>(object)),
  prepareForCreate: object => {
    object['status'] = {}
  },
  validate: object => validate(draftOf<CronJob>(object)),
  validateCreate: object => validateCreate(draftOf<CronJob>(object)),
  validateUpdate: (object, old, subresource) =>
    subresource === 'status' ? [] : validateUpdate(draftOf<CronJob>(object), draftOf<CronJob>(old)),
  warnings: object => warnings(draftOf<CronJob>(object)),
  columns: [
    nameColumn,
    column<CronJob>('Schedule', 'When it makes Jobs.', o => o.spec?.schedule ?? ''),
    column<CronJob>('Timezone', 'Whose clocks the schedule is read by.', o => o.spec?.timeZone ?? '<none>'),
    column<CronJob>('Suspend', 'Whether it makes none for now.', suspendCell, { type: 'boolean' }),
    column<CronJob>('Active', 'How many of its Jobs run.', o => (o.status?.active ?? []).length, { type: 'integer' }),
    column<CronJob>('Last Schedule', 'The time since it made one.', (o, nowMs) =>
      o.status?.lastScheduleTime ? ageOf(o.status.lastScheduleTime, nowMs) : '<none>',
    ),
    ageColumn,
    ...jobTemplateColumns<CronJob>(o => o.spec?.jobTemplate?.spec),
  ],
}
