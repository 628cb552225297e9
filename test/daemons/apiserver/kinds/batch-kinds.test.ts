import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cells, created, createErrors, createWarnings, metadata, statusErrors, updateErrors } from './sample-objects.ts'

const pod = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox:1.36' }] }
const job = (spec: object = {}, meta: object = {}): UnknownObject => ({
  metadata: metadata({ name: 'once', uid: 'u1', ...meta }),
  spec: { template: { spec: pod }, ...spec },
})
const cronJob = (spec: object = {}, meta: object = {}): UnknownObject => ({
  metadata: metadata({ name: 'nightly', ...meta }),
  spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template: { spec: pod } } }, ...spec },
})
const labels = {
  'batch.kubernetes.io/controller-uid': 'u1',
  'controller-uid': 'u1',
  'batch.kubernetes.io/job-name': 'once',
  'job-name': 'once',
}

const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  { name: 'a small Job is fine', plural: 'jobs', object: job(), errors: [] },
  { name: 'a small CronJob is fine', plural: 'cronjobs', object: cronJob(), errors: [] },
  {
    name: 'a Job’s pods end',
    plural: 'jobs',
    object: job({ template: { spec: { containers: pod.containers } } }),
    errors: ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
  },
  {
    name: 'labels that are generated are not chosen',
    plural: 'jobs',
    object: job({ template: { metadata: { labels: { 'job-name': 'other' } }, spec: pod } }),
    errors: [
      `spec.template.metadata.labels[job-name]: Invalid value: ${JSON.stringify({ ...labels, 'job-name': 'other' })
        .replace(/^(.*),"job-name":"other"}$/, '$1}')
        .replace('{', '{"job-name":"other",')}: must be 'once'`,
    ],
  },
  {
    name: 'a selector that is not generated is asked for',
    plural: 'jobs',
    object: job({ selector: { matchLabels: { a: 'b' } } }),
    errors: [
      'spec.template.metadata.labels: Invalid value: ' +
        JSON.stringify(labels) +
        ': `selector` does not match template `labels`',
      'spec.selector: Invalid value: {"matchLabels":{"a":"b","batch.kubernetes.io/controller-uid":"u1"}}: `selector` not auto-generated',
    ],
  },
  {
    name: 'who selects by hand may',
    plural: 'jobs',
    object: job({
      manualSelector: true,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: pod },
    }),
    errors: [],
  },
  {
    name: 'indexes are counted',
    plural: 'jobs',
    object: job({ completionMode: 'Indexed', parallelism: 2 }),
    errors: ['spec.completions: Required value: when completion mode is Indexed'],
  },
  {
    name: 'limits per index need indexes',
    plural: 'jobs',
    object: job({ backoffLimitPerIndex: 1, maxFailedIndexes: 2 }),
    errors: [
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
      'spec.maxFailedIndexes: Invalid value: 2: requires indexed completion mode',
    ],
  },
  {
    name: 'a host name has room for the last index',
    plural: 'jobs',
    object: job(
      {
        completionMode: 'Indexed',
        completions: 1000,
        manualSelector: true,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: pod },
      },
      { name: 'x'.repeat(61) },
    ),
    errors: [
      `metadata.name: Invalid value: "${'x'.repeat(61)}": will not able to create pod with invalid DNS label: ${'x'.repeat(61)}-999`,
    ],
  },
  {
    name: 'another’s Job names whose it is',
    plural: 'jobs',
    object: job({ managedBy: 'me' }),
    errors: ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
  },
  {
    name: 'rules of failure',
    plural: 'jobs',
    object: job({
      podFailurePolicy: {
        rules: [
          { action: 'Retry', onExitCodes: { operator: 'In', values: [2, 1, 0], containerName: 'x' } },
          { action: 'FailIndex', onPodConditions: [{ type: 'DisruptionTarget' }] },
          { action: 'Ignore' },
        ],
      },
    }),
    errors: [
      'spec.podFailurePolicy.rules[0].action: Unsupported value: "Retry": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
      'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
      'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Invalid value: 0: must not be 0 for the In operator',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1,0]: must be ordered',
      'spec.podFailurePolicy.rules[1].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      'spec.podFailurePolicy.rules[2]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
    ],
  },
  {
    name: 'a policy of failure and pods that restart exclude each other',
    plural: 'jobs',
    object: job({
      podFailurePolicy: { rules: [] },
      template: { spec: { ...pod, restartPolicy: 'OnFailure' } },
      podReplacementPolicy: 'TerminatingOrFailed',
    }),
    errors: [
      'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
      'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
    ],
  },
  {
    name: 'rules of success',
    plural: 'jobs',
    object: job({
      completionMode: 'Indexed',
      completions: 4,
      successPolicy: { rules: [{}, { succeededIndexes: '0,2-5' }, { succeededIndexes: '0-1', succeededCount: 3 }] },
    }),
    errors: [
      'spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified',
      'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "0,2-5": error parsing succeededIndexes: too large index: "5"',
      'spec.successPolicy.rules[2].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
    ],
  },
  {
    name: 'a schedule that cannot be read',
    plural: 'cronjobs',
    object: cronJob({ schedule: '0 3 * *' }),
    errors: ['spec.schedule: Invalid value: "0 3 * *": expected exactly 5 fields, found 4: [0 3 * *]'],
  },
  {
    name: 'a schedule has no zone, and a zone exists',
    plural: 'cronjobs',
    object: cronJob({ schedule: 'TZ=UTC 0 3 * * *', timeZone: 'Mars/Olympus' }),
    errors: [
      'spec.schedule: Invalid value: "TZ=UTC 0 3 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus',
    ],
  },
  {
    name: 'the local zone is nobody’s',
    plural: 'cronjobs',
    object: cronJob({ timeZone: 'Local', concurrencyPolicy: 'Never' }),
    errors: [
      'spec.concurrencyPolicy: Unsupported value: "Never": supported values: "Allow", "Forbid", "Replace"',
      'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
  },
  {
    name: 'a CronJob’s name leaves room for the minute',
    plural: 'cronjobs',
    object: cronJob({}, { name: 'x'.repeat(53) }),
    errors: [`metadata.name: Invalid value: "${'x'.repeat(53)}": must be no more than 52 characters`],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })

t.test('what nobody says of a Job', async t => {
  t.same(created('jobs', job())['status'], {})
  t.match(created('jobs', job()), {
    metadata: { labels },
    spec: {
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } },
      template: { metadata: { labels } },
    },
  })
  t.match(created('jobs', job({ completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 1 })), {
    spec: { backoffLimit: 2_147_483_647 },
  })
  t.match(created('cronjobs', cronJob()), {
    spec: { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
  })
})

const updates: { name: string; plural: string; old: UnknownObject; next: object; errors: string[] }[] = [
  { name: 'a Job may be suspended', plural: 'jobs', old: job(), next: { suspend: true, parallelism: 0 }, errors: [] },
  {
    name: 'a Job’s template stays',
    plural: 'jobs',
    old: job({
      template: { spec: { containers: [{ name: 'a', image: 'b' }], restartPolicy: 'Never' } },
      manualSelector: true,
      selector: {},
    }),
    next: { template: { spec: { containers: [{ name: 'a', image: 'c' }], restartPolicy: 'Never' } } },
    errors: ['spec.template'],
  },
  {
    name: 'a suspended Job that never ran may still be told where to run',
    plural: 'jobs',
    old: job({ suspend: true, manualSelector: true, selector: {} }),
    next: { template: { spec: { ...pod, nodeSelector: { disk: 'ssd' } } } },
    errors: [],
  },
  {
    name: 'indexes may be added together with parallelism alone',
    plural: 'jobs',
    old: job({ completionMode: 'Indexed', completions: 2, parallelism: 2 }),
    next: { completions: 3 },
    errors: ['spec.completions'],
  },
  {
    name: 'indexes may be added together with parallelism',
    plural: 'jobs',
    old: job({ completionMode: 'Indexed', completions: 2, parallelism: 2 }),
    next: { completions: 3, parallelism: 3 },
    errors: [],
  },
]
for (const { name, plural, old, next, errors } of updates)
  t.test(name, async t => {
    const before = created(plural, old)
    const after = { ...before, spec: { ...(before['spec'] as object), ...next } }
    const found = updateErrors(plural, before, after)
    t.same(
      found.map(text => text.split(':')[0]),
      errors,
    )
  })

const condition = (type: string) => ({ type, status: 'True' })
const start = '2026-01-01T00:00:00Z'
const statuses: { name: string; old?: object; status: object; errors: string[] }[] = [
  {
    name: 'a Job that is complete says when, and why',
    status: { conditions: [condition('Complete')], startTime: start },
    errors: [
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      'status.completionTime: Required value: completionTime is required for Complete jobs',
    ],
  },
  {
    name: 'a finished Job is fine',
    status: {
      conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
      startTime: start,
      completionTime: '2026-01-01T00:01:00Z',
      succeeded: 1,
    },
    errors: [],
  },
  {
    name: 'a Job does not succeed and fail',
    status: {
      conditions: [condition('FailureTarget'), condition('Failed'), condition('SuccessCriteriaMet')],
      startTime: start,
    },
    errors: [
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions',
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
    ],
  },
  {
    name: 'counts only grow, and ready pods are active',
    old: { failed: 2 },
    status: { failed: 1, ready: 1 },
    errors: [
      'status.ready: Invalid value: 1: cannot set more ready pods than active',
      'status.failed: Invalid value: 1: cannot decrease the failed counter',
    ],
  },
  {
    name: 'an end is an end',
    old: { conditions: [condition('FailureTarget'), condition('Failed')], startTime: start },
    status: { conditions: [condition('FailureTarget')], startTime: start },
    errors: ['status.conditions: Invalid value: cannot disable the terminal Failed=True condition'],
  },
  {
    name: 'a Job that runs keeps its start time',
    old: { startTime: start },
    status: { startTime: '2026-01-01T00:01:00Z' },
    errors: ['status.startTime: Required value: startTime cannot be removed for unsuspended job'],
  },
  {
    name: 'a Job that is resumed starts anew',
    old: { conditions: [condition('Suspended')], startTime: start },
    status: { conditions: [{ ...condition('Suspended'), status: 'False' }], startTime: '2026-01-01T00:01:00Z' },
    errors: [],
  },
]
for (const { name, old = {}, status, errors } of statuses)
  t.test(name, async t => {
    const spec = { completions: 2, completionMode: 'Indexed' }
    t.same(
      statusErrors('jobs', { metadata: metadata(), spec, status: old }, { metadata: metadata(), spec, status }),
      errors,
    )
  })

t.test('cells of Jobs and CronJobs', async t => {
  t.match(cells('jobs', { ...job({ completions: 3 }), status: { succeeded: 1, startTime: '2026-01-01T00:58:00Z' } }), {
    Status: 'Running',
    Completions: '1/3',
    Duration: '2m',
  })
  t.match(cells('jobs', { ...job({ parallelism: 4 }), status: { conditions: [condition('Failed')] } }), {
    Status: 'Failed',
    Completions: '0/1 of 4',
    Duration: '',
  })
  t.match(
    cells('cronjobs', {
      ...cronJob({ suspend: false }),
      status: { active: [{}], lastScheduleTime: '2026-01-01T00:30:00Z' },
    }),
    {
      Schedule: '0 3 * * *',
      Timezone: '<none>',
      Suspend: 'False',
      Active: 1,
      'Last Schedule': '30m',
      Containers: 'main',
    },
  )
})

t.test('names that pods cannot carry are told of', async t => {
  t.match(createWarnings('jobs', job({}, { name: 'a.b' })), [/^metadata.name: this is used in Pod names and hostnames/])
})
