import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingPolicy,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from 'kubernetes-types/autoscaling/v2.js'
import type { Draft } from './draft.ts'
import { forbidden, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123LabelErrors, pathSegmentErrors } from './name-syntax.ts'
import { nanoOf, validateContainerResourceName } from './resource-validation.ts'
import { validateLabelSelector } from './selector-validation.ts'

const sourceTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']
const targetTypes = ['AverageValue', 'Utilization', 'Value']
const selectPolicies = ['Disabled', 'Max', 'Min']
const policyTypes = ['Percent', 'Pods']
const maxWindowSeconds = 3600
const maxPeriodSeconds = 1800

const validateReference = (ref: Draft<CrossVersionObjectReference> | undefined, path: string): FieldError[] =>
  (['kind', 'name'] as const).flatMap(field => {
    const text = ref?.[field]
    return text ? invalidEach(`${path}.${field}`, text, pathSegmentErrors(text)) : [required(`${path}.${field}`)]
  })

const validateIdentifier = (metric: Draft<MetricIdentifier> | undefined, path: string): FieldError[] => {
  const name = metric?.name
  const errors = name
    ? invalidEach(`${path}.name`, name, pathSegmentErrors(name))
    : [required(`${path}.name`, 'must specify a metric name')]
  return [...errors, ...validateLabelSelector(metric?.selector, `${path}.selector`)]
}

const positive = (text: string | undefined, path: string): FieldError[] => {
  if (text === undefined) return []
  const nano = nanoOf(text)
  return nano === undefined || nano <= 0n ? [invalid(path, text, 'must be positive')] : []
}

const validateTarget = (target: Draft<MetricTarget> | undefined, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const type = target?.type
  if (!type) errors.push(required(`${path}.type`, 'must specify a metric target type'))
  if (!type || !targetTypes.includes(type))
    errors.push(invalid(`${path}.type`, type ?? '', 'must be either Utilization, Value, or AverageValue'))
  errors.push(...positive(target?.value, `${path}.value`), ...positive(target?.averageValue, `${path}.averageValue`))
  const utilization = target?.averageUtilization
  if (utilization !== undefined && utilization < 1)
    errors.push(invalid(`${path}.averageUtilization`, utilization, 'must be greater than 0'))
  return errors
}

/** Of a resource, either how much or how much of what was asked for. */
const validateUtilization = (target: Draft<MetricTarget> | undefined, path: string): FieldError[] => {
  const [relative, absolute] = [target?.averageUtilization !== undefined, target?.averageValue !== undefined]
  if (!relative && !absolute)
    return [required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization')]
  return relative && absolute
    ? [forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization')]
    : []
}

const validateResource = (source: NonNullable<Draft<MetricSpec>['containerResource']>, path: string): FieldError[] => [
  ...(source.name
    ? validateContainerResourceName(source.name, `${path}.name`)
    : [required(`${path}.name`, 'must specify a resource name')]),
]

const sources = {
  object: (spec: Draft<MetricSpec>, path: string): FieldError[] => {
    const { describedObject, metric, target } = spec.object ?? {}
    return [
      ...validateReference(describedObject, `${path}.describedObject`),
      ...validateIdentifier(metric, `${path}.metric`),
      ...validateTarget(target, `${path}.target`),
      ...(target?.value === undefined && target?.averageValue === undefined
        ? [required(`${path}.target.averageValue`, 'must set either a target value or averageValue')]
        : []),
    ]
  },
  external: (spec: Draft<MetricSpec>, path: string): FieldError[] => {
    const { metric, target } = spec.external ?? {}
    const [total, perPod] = [target?.value !== undefined, target?.averageValue !== undefined]
    return [
      ...validateIdentifier(metric, `${path}.metric`),
      ...validateTarget(target, `${path}.target`),
      ...(!total && !perPod
        ? [required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target')]
        : []),
      ...(total && perPod
        ? [forbidden(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target')]
        : []),
    ]
  },
  pods: (spec: Draft<MetricSpec>, path: string): FieldError[] => {
    const { metric, target } = spec.pods ?? {}
    return [
      ...validateIdentifier(metric, `${path}.metric`),
      ...validateTarget(target, `${path}.target`),
      ...(target?.averageValue === undefined
        ? [required(`${path}.target.averageValue`, 'must specify a positive target averageValue')]
        : []),
    ]
  },
  resource: (spec: Draft<MetricSpec>, path: string): FieldError[] => {
    const { name, target } = spec.resource ?? {}
    return [
      ...validateResource({ name }, path),
      ...validateTarget(target, `${path}.target`),
      ...validateUtilization(target, `${path}.target`),
    ]
  },
  containerResource: (spec: Draft<MetricSpec>, path: string): FieldError[] => {
    const { name, container, target } = spec.containerResource ?? {}
    return [
      ...validateResource({ name }, path),
      ...(container
        ? invalidEach(`${path}.container`, container, dns1123LabelErrors(container))
        : [required(`${path}.container`, 'must specify a container')]),
      ...validateTarget(target, `${path}.target`),
      ...validateUtilization(target, `${path}.target`),
    ]
  },
} as const

type Source = keyof typeof sources
const sourceNames = Object.keys(sources) as Source[]

const validateMetric = (spec: Draft<MetricSpec>, path: string): FieldError[] => {
  const { type } = spec
  const errors: FieldError[] = []
  if (!type) errors.push(required(`${path}.type`, 'must specify a metric source type'))
  if (!type || !sourceTypes.includes(type)) errors.push(notSupported(`${path}.type`, type ?? '', sourceTypes))
  const present = sourceNames.filter(name => spec[name])
  const [first] = present
  if (first !== undefined) errors.push(...sources[first](spec, `${path}.${first}`))
  const expected = type ? `${type[0]?.toLowerCase()}${type.slice(1)}` : ''
  if (type && sourceTypes.includes(type) && !present.some(name => name === expected))
    errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'))
  if (present.length > 1)
    for (const extra of present.filter(name => name !== expected))
      errors.push(forbidden(`${path}.${extra}`, 'must populate the given metric source only'))
  return errors
}

const validatePolicy = ({ type, value = 0, periodSeconds = 0 }: Draft<HPAScalingPolicy>, path: string) => {
  const errors: FieldError[] = []
  if (!type || !policyTypes.includes(type)) errors.push(notSupported(`${path}.type`, type ?? '', policyTypes))
  if (value <= 0) errors.push(invalid(`${path}.value`, value, 'must be greater than zero'))
  if (periodSeconds <= 0) errors.push(invalid(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero'))
  if (periodSeconds > maxPeriodSeconds)
    errors.push(invalid(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`))
  return errors
}

const validateRules = (rules: Draft<HPAScalingRules> | undefined, path: string): FieldError[] => {
  if (!rules) return []
  const errors: FieldError[] = []
  const window = rules.stabilizationWindowSeconds
  const at = `${path}.stabilizationWindowSeconds`
  if (window !== undefined && window < 0) errors.push(invalid(at, window, 'must be greater than or equal to zero'))
  if (window !== undefined && window > maxWindowSeconds)
    errors.push(invalid(at, window, `must be less than or equal to ${maxWindowSeconds}`))
  if (rules.selectPolicy !== undefined && !selectPolicies.includes(rules.selectPolicy))
    errors.push(notSupported(`${path}.selectPolicy`, rules.selectPolicy, selectPolicies))
  const policies = rules.policies ?? []
  if (policies.length === 0) errors.push(required(`${path}.policies`, 'must specify at least one Policy'))
  return [...errors, ...policies.flatMap((policy, i) => validatePolicy(policy, `${path}.policies[${i}]`))]
}

/** What holds for an autoscaler in the shape of autoscaling/v2, whichever version it came in. */
export const validateAutoscaler = ({ spec = {} }: Draft<HorizontalPodAutoscaler>): FieldError[] => {
  const { minReplicas: min, maxReplicas: max = 0 } = spec
  const errors: FieldError[] = []
  if (min !== undefined && min < 1) errors.push(invalid('spec.minReplicas', min, 'must be greater than or equal to 1'))
  if (max < 1) errors.push(invalid('spec.maxReplicas', max, 'must be greater than 0'))
  if (min !== undefined && max < min)
    errors.push(invalid('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`'))
  return [
    ...errors,
    ...validateReference(spec.scaleTargetRef, 'spec.scaleTargetRef'),
    ...(spec.metrics ?? []).flatMap((metric, i) => validateMetric(metric, `spec.metrics[${i}]`)),
    ...validateRules(spec.behavior?.scaleUp, 'spec.behavior.scaleUp'),
    ...validateRules(spec.behavior?.scaleDown, 'spec.behavior.scaleDown'),
  ]
}
