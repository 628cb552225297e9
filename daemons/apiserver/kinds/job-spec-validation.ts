import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from 'kubernetes-types/batch/v1.js'
import type { Draft } from './draft.ts'
import {
  duplicate,
  invalid,
  invalidEach,
  nonNegative,
  notSupported,
  required,
  tooLong,
  tooMany,
} from './field-error.ts'
import { countIndexes } from './job-indexes.ts'
import type { FieldError } from './kind.ts'
import { dns1123SubdomainErrors, qualifiedNameErrors } from './name-syntax.ts'
import { validatePodTemplate } from './pod-template-validation.ts'

type Spec = Draft<JobSpec>

const maxParallelism = 100_000
const maxFailedIndexes = 100_000
/** From this many completions on, a limit per index needs bounds that keep the object small. */
const manyCompletions = 100_000
const maxParallelismOfMany = 10_000
const maxFailedIndexesOfMany = 10_000
const maxRules = 20
const maxExitCodes = 255
const maxConditions = 20
const maxIndexesText = 64 * 1024

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const operators = ['In', 'NotIn']
const statuses = ['False', 'True', 'Unknown']
const replacements = ['Failed', 'TerminatingOrFailed']

/** Go prints a list of words so. */
const goList = (words: readonly string[]): string => `[${words.map(word => JSON.stringify(word)).join(' ')}]`

const isIndexed = (spec: Spec): boolean => spec.completionMode === 'Indexed'

const bare = (error: FieldError): FieldError => ({
  ...error,
  message: error.message.replace(/^Invalid value: .*?: /, 'Invalid value: '),
})

const validateNumbers = (spec: Spec, path: string): FieldError[] => {
  const errors = (
    [
      'parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished',
      'backoffLimitPerIndex', 'maxFailedIndexes',
    ] as const
  ).flatMap(field => nonNegative(`${path}.${field}`, spec[field])) // prettier-ignore
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  return errors
}

/** `example.com/controller` */
const validateManagedBy = (name: string | undefined, path: string): FieldError[] => {
  if (name === undefined || name === null) return []
  const [domain = '', ...rest] = name.split('/')
  const errors: FieldError[] = []
  if (name === '') errors.push(required(path))
  else if (rest.length === 0 || domain === '' || rest.join('/') === '')
    errors.push(invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")'))
  else {
    errors.push(...invalidEach(path, domain, dns1123SubdomainErrors(domain)))
    const segments = rest.join('/')
    if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(segments))
      errors.push(
        invalid(
          path,
          segments,
          "Invalid path (e.g. 'foo', regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
        ),
      )
  }
  if (name.length > 63) errors.push(tooLong(path, 63))
  return errors
}

const validateIndexed = (spec: Spec, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const { completions, parallelism, maxFailedIndexes: failed, backoffLimitPerIndex: perIndex } = spec
  const most = (field: string, value: number | undefined, max: number, detail: string): void => {
    if (value !== undefined && value > max) errors.push(invalid(`${path}.${field}`, value, detail))
  }
  if (completions === undefined) errors.push(required(`${path}.completions`, 'when completion mode is Indexed'))
  most(
    'parallelism',
    parallelism,
    maxParallelism,
    `must be less than or equal to ${maxParallelism} when completion mode is Indexed`,
  )
  if (completions !== undefined)
    most('maxFailedIndexes', failed, completions, 'must be less than or equal to completions')
  most('maxFailedIndexes', failed, maxFailedIndexes, `must be less than or equal to ${maxFailedIndexes}`)
  if ((completions ?? 0) <= manyCompletions || perIndex === undefined) return errors
  const above = `when completions are above ${manyCompletions} and used with backoff limit per index`
  if (failed === undefined)
    errors.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${manyCompletions}`))
  most(
    'parallelism',
    parallelism,
    maxParallelismOfMany,
    `must be less than or equal to ${maxParallelismOfMany} ${above}`,
  )
  most(
    'maxFailedIndexes',
    failed,
    maxFailedIndexesOfMany,
    `must be less than or equal to ${maxFailedIndexesOfMany} ${above}`,
  )
  return errors
}

const validateMode = (spec: Spec, path: string): FieldError[] => {
  const mode = spec.completionMode
  const errors: FieldError[] = []
  if (mode !== undefined && mode !== 'NonIndexed' && mode !== 'Indexed')
    errors.push(notSupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']))
  if (mode === 'Indexed') errors.push(...validateIndexed(spec, path))
  if (mode === undefined || mode === 'NonIndexed')
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const)
      if (spec[field] !== undefined)
        errors.push(invalid(`${path}.${field}`, spec[field], 'requires indexed completion mode'))
  return errors
}

const validateExitCodes = (
  codes: NonNullable<Draft<PodFailurePolicyRule>['onExitCodes']>,
  path: string,
  containers: ReadonlySet<string>,
): FieldError[] => {
  const errors: FieldError[] = []
  const { operator, containerName, values = [] } = codes
  if (!operator) errors.push(required(`${path}.operator`, `valid values: ${goList(operators)}`))
  else if (!operators.includes(operator)) errors.push(notSupported(`${path}.operator`, operator, operators))
  if (containerName !== undefined && !containers.has(containerName))
    errors.push(
      invalid(
        `${path}.containerName`,
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    )
  if (values.length === 0) errors.push(invalid(`${path}.values`, values, 'at least one value is required'))
  else if (values.length > maxExitCodes) errors.push(tooMany(`${path}.values`, values.length, maxExitCodes))
  const seen = new Set<number>()
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0)
      errors.push(invalid(`${path}.values[${i}]`, value, 'must not be 0 for the In operator'))
    if (seen.has(value)) errors.push(duplicate(`${path}.values[${i}]`, value))
    seen.add(value)
  }
  if (values.some((value, i) => i > 0 && (values[i - 1] ?? 0) > value))
    errors.push(invalid(`${path}.values`, values, 'must be ordered'))
  return errors
}

const validateFailureRule = (
  rule: Draft<PodFailurePolicyRule>,
  path: string,
  { spec, containers }: { spec: Spec; containers: ReadonlySet<string> },
): FieldError[] => {
  const errors: FieldError[] = []
  const { action, onExitCodes, onPodConditions = [] } = rule
  if (!action) errors.push(required(`${path}.action`, `valid values: ${goList(actions)}`))
  else if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined)
      errors.push(invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set'))
  } else if (!actions.includes(action)) errors.push(notSupported(`${path}.action`, action, actions))
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, `${path}.onExitCodes`, containers))
  if (onPodConditions.length > maxConditions)
    errors.push(tooMany(`${path}.onPodConditions`, onPodConditions.length, maxConditions))
  for (const [i, { type = '', status }] of onPodConditions.entries()) {
    const at = `${path}.onPodConditions[${i}]`
    errors.push(...invalidEach(`${at}.type`, type, qualifiedNameErrors(type)))
    if (!status) errors.push(required(`${at}.status`, `valid values: ${goList(statuses)}`))
    else if (!statuses.includes(status)) errors.push(notSupported(`${at}.status`, status, statuses))
  }
  if (onExitCodes && onPodConditions.length > 0)
    errors.push(bare(invalid(path, '', 'specifying both OnExitCodes and OnPodConditions is not supported')))
  if (!onExitCodes && onPodConditions.length === 0)
    errors.push(bare(invalid(path, '', 'specifying one of OnExitCodes and OnPodConditions is required')))
  return errors
}

const validateFailurePolicy = (spec: Spec, path: string): FieldError[] => {
  const rules = spec.podFailurePolicy?.rules ?? []
  const pod = spec.template?.spec
  const containers = new Set([...(pod?.containers ?? []), ...(pod?.initContainers ?? [])].map(c => c.name ?? ''))
  return [
    ...(rules.length > maxRules ? [tooMany(`${path}.rules`, rules.length, maxRules)] : []),
    ...rules.flatMap((rule, i) => validateFailureRule(rule, `${path}.rules[${i}]`, { spec, containers })),
  ]
}

const validateSuccessRule = (rule: Draft<SuccessPolicyRule>, path: string, completions: number): FieldError[] => {
  const { succeededCount: count, succeededIndexes: indexes } = rule
  if (count === undefined && indexes === undefined)
    return [required(path, 'at least one of succeededCount or succeededIndexes must be specified')]
  const errors: FieldError[] = []
  let total = 0
  if (indexes !== undefined) {
    if (indexes.length > maxIndexesText) errors.push(tooLong(`${path}.succeededIndexes`, maxIndexesText))
    const counted = countIndexes(indexes, completions)
    if (counted.error !== undefined)
      errors.push(invalid(`${path}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${counted.error}`))
    total = counted.total
  }
  if (count === undefined) return errors
  errors.push(...nonNegative(`${path}.succeededCount`, count))
  const bound = (max: number, what: string) =>
    invalid(`${path}.succeededCount`, count, `must be less than or equal to ${max} (the number of ${what})`)
  if (count > completions) errors.push(bound(completions, 'specified completions'))
  if (indexes !== undefined && count > total)
    errors.push(bound(total, 'indexes in the specified succeededIndexes field'))
  return errors
}

const validateSuccessPolicy = (spec: Spec, path: string): FieldError[] => {
  if (!isIndexed(spec)) return [invalid(path, spec.successPolicy, 'requires indexed completion mode')]
  const rules = spec.successPolicy?.rules ?? []
  const errors: FieldError[] = []
  if (rules.length === 0)
    errors.push(required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified'))
  if (rules.length > maxRules) errors.push(tooMany(`${path}.rules`, rules.length, maxRules))
  if (spec.completions === undefined) return errors
  const { completions } = spec
  return [...errors, ...rules.flatMap((rule, i) => validateSuccessRule(rule, `${path}.rules[${i}]`, completions))]
}

const validateRestart = (spec: Spec, path: string): FieldError[] => {
  const policy = spec.template?.spec?.restartPolicy
  const at = `${path}.template.spec.restartPolicy`
  if (!policy || policy === 'Always') return [required(at, 'valid values: "OnFailure", "Never"')]
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(at, policy, ['OnFailure', 'Never'])]
  if (spec.podFailurePolicy && policy !== 'Never')
    return [invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified')]
  return []
}

/** What holds for the spec of a Job, whether it stands alone or in a CronJob at `path`. */
export const validateJobSpec = (spec: Spec, path: string): FieldError[] => {
  const errors = [
    ...validateNumbers(spec, path),
    ...validateManagedBy(spec.managedBy, `${path}.managedBy`),
    ...validateMode(spec, path),
  ]
  if (spec.podFailurePolicy) errors.push(...validateFailurePolicy(spec, `${path}.podFailurePolicy`))
  if (spec.successPolicy) errors.push(...validateSuccessPolicy(spec, `${path}.successPolicy`))
  const replacement = spec.podReplacementPolicy
  const allowed = spec.podFailurePolicy ? ['Failed'] : replacements
  if (replacement !== undefined && !allowed.includes(replacement))
    errors.push(notSupported(`${path}.podReplacementPolicy`, replacement, allowed))
  return [...errors, ...validatePodTemplate(spec.template ?? {}, `${path}.template`), ...validateRestart(spec, path)]
}
