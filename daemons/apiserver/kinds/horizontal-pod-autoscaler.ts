import type {
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricSpec,
  MetricStatus,
} from 'kubernetes-types/autoscaling/v2.js'
import type { UnknownObject } from '../../../kube/object.ts'
import { canonicalQuantity } from './canonical-quantity.ts'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { fromV1, toV1 } from './horizontal-pod-autoscaler-v1.ts'
import { validateAutoscaler } from './horizontal-pod-autoscaler-validation.ts'
import type { FieldError, Kind } from './kind.ts'
import { validateCounts } from './status-counts.ts'

type Row = Draft<HorizontalPodAutoscaler>
type Rules = Draft<HPAScalingRules>
/** A field that is newer than the types. */
type Tolerant = Rules & { tolerance?: unknown }

const scaleUp = (): Rules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
})
const scaleDown = (): Rules => ({
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
})

const targetsOf = (metric: Draft<MetricSpec>) =>
  [metric.resource, metric.containerResource, metric.pods, metric.object, metric.external].map(s => s?.target)

export const setDefaults = (autoscaler: Row): void => {
  const spec = (autoscaler.spec ??= {})
  spec.minReplicas ??= 1
  if (!spec.metrics?.length)
    spec.metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ]
  for (const metric of spec.metrics)
    for (const target of targetsOf(metric))
      for (const field of ['value', 'averageValue'] as const) {
        const amount = target?.[field]
        if (target && amount !== undefined) target[field] = canonicalQuantity(String(amount))
      }
  if (!spec.behavior) return
  spec.behavior.scaleUp = { ...scaleUp(), ...spec.behavior.scaleUp }
  spec.behavior.scaleDown = { ...scaleDown(), ...spec.behavior.scaleDown }
}

const unknown = '<unknown>'

/** `<current>/<target>` of a resource: a utilization or an amount. */
const resourceText = (
  spec: NonNullable<Draft<MetricSpec>['resource']>,
  current: NonNullable<Draft<MetricStatus>['resource']>['current'],
): string => {
  const { averageValue, averageUtilization } = spec.target ?? {}
  const name = spec.name ?? ''
  if (averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${averageValue}`
  const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`
  return `${name}: ${now}/${averageUtilization === undefined ? '<auto>' : `${averageUtilization}%`}`
}

const metricText = (spec: Draft<MetricSpec>, status: Draft<MetricStatus> | undefined): string => {
  switch (spec.type) {
    case 'External':
    case 'Object': {
      const [target, current] =
        spec.type === 'External'
          ? [spec.external?.target, status?.external?.current]
          : [spec.object?.target, status?.object?.current]
      return target?.averageValue === undefined
        ? `${current?.value ?? unknown}/${target?.value ?? ''}`
        : `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`
    }
    case 'Pods':
      return `${status?.pods?.current?.averageValue ?? unknown}/${spec.pods?.target?.averageValue ?? ''}`
    case 'Resource':
      return resourceText(spec.resource ?? {}, status?.resource?.current)
    case 'ContainerResource':
      return resourceText(spec.containerResource ?? {}, status?.containerResource?.current)
    default:
      return '<unknown type>'
  }
}

const metricsCell = ({ spec, status }: Row): string => {
  const texts = (spec?.metrics ?? []).map((metric, i) => metricText(metric, status?.currentMetrics?.[i]))
  if (texts.length === 0) return '<none>'
  const shown = texts.slice(0, 2).join(', ')
  return texts.length > 2 ? `${shown} + ${texts.length - 2} more...` : shown
}

/** Behind an alpha feature gate that is off upstream: dropped, not refused, unless it stands there already. */
const dropTolerance = (next: Row, old: Row | undefined): void => {
  for (const side of ['scaleUp', 'scaleDown'] as const) {
    const rules: Tolerant | undefined = next.spec?.behavior?.[side]
    const before: Tolerant | undefined = old?.spec?.behavior?.[side]
    if (rules && before?.tolerance === undefined) delete rules.tolerance
  }
}

const validateStatus = (autoscaler: Row): FieldError[] =>
  validateCounts(autoscaler.status, ['currentReplicas', 'desiredReplicas'])

const row = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  hasStatus: true,
  subresources: [],
  generationFields: [],
} as const

/** The shape that is stored. */
export const horizontalPodAutoscalerKind: Kind = {
  ...row,
  version: 'v2',
  schema: 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  setDefaults: object => setDefaults(draftOf<HorizontalPodAutoscaler>(object)),
  prepareForCreate: object => {
    object['status'] = { desiredReplicas: 0 }
    dropTolerance(draftOf<HorizontalPodAutoscaler>(object), undefined)
  },
  prepareForUpdate: (object, old) =>
    dropTolerance(draftOf<HorizontalPodAutoscaler>(object), draftOf<HorizontalPodAutoscaler>(old)),
  validate: object => validateAutoscaler(draftOf<HorizontalPodAutoscaler>(object)),
  validateUpdate: (object, _old, subresource) =>
    subresource === 'status' ? validateStatus(draftOf<HorizontalPodAutoscaler>(object)) : [],
  columns: [
    nameColumn,
    column<HorizontalPodAutoscaler>(
      'Reference',
      'What it scales.',
      o => `${o.spec?.scaleTargetRef?.kind ?? ''}/${o.spec?.scaleTargetRef?.name ?? ''}`,
    ),
    column<HorizontalPodAutoscaler>('Targets', 'What it measures, and what that should be.', metricsCell),
    column<HorizontalPodAutoscaler>('MinPods', 'The least pods there are.', o =>
      o.spec?.minReplicas === undefined ? '<unset>' : String(o.spec.minReplicas),
    ),
    column<HorizontalPodAutoscaler>('MaxPods', 'The most.', o => o.spec?.maxReplicas ?? 0, { type: 'integer' }),
    column<HorizontalPodAutoscaler>('Replicas', 'How many there are.', o => o.status?.currentReplicas ?? 0, {
      type: 'integer',
    }),
    ageColumn,
  ],
}

const stored = (object: UnknownObject): UnknownObject => {
  const full = fromV1(object)
  setDefaults(draftOf<HorizontalPodAutoscaler>(full))
  return full
}

/** The older shape of the same objects: a target of cpu, and everything else in annotations. */
export const horizontalPodAutoscalerV1Kind: Kind = {
  ...row,
  version: 'v1',
  schema: 'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
  storedAs: {
    group: 'autoscaling',
    version: 'v2',
    plural: 'horizontalpodautoscalers',
    toStored: stored,
    fromStored: toV1,
  },
  setDefaults: object => {
    const autoscaler = draftOf<HorizontalPodAutoscaler>(object)
    ;(autoscaler.spec ??= {}).minReplicas ??= 1
  },
  prepareForCreate: object => {
    object['status'] = { currentReplicas: 0, desiredReplicas: 0 }
  },
  validate: object => validateAutoscaler(draftOf<HorizontalPodAutoscaler>(stored(structuredClone(object)))),
  validateUpdate: (object, _old, subresource) =>
    subresource === 'status' ? validateStatus(draftOf<HorizontalPodAutoscaler>(object)) : [],
  columns: horizontalPodAutoscalerKind.columns.map(shown => ({
    ...shown,
    cell: (object, nowMs) => shown.cell(stored(structuredClone(object)), nowMs),
  })),
}
