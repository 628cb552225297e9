import type { UnknownObject } from '../../../kube/object.ts'
import { isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'

/**
 * HorizontalPodAutoscalers between autoscaling/v2 and v1. What v1 has no field for travels in annotations, as upstream
 * writes them: clients of v1 that change one thing and write the rest back lose nothing.
 */
const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics'
const currentMetricsAnnotation = 'autoscaling.alpha.kubernetes.io/current-metrics'
const conditionsAnnotation = 'autoscaling.alpha.kubernetes.io/conditions'
const behaviorAnnotation = 'autoscaling.alpha.kubernetes.io/behavior'
const ours = [metricsAnnotation, currentMetricsAnnotation, conditionsAnnotation, behaviorAnnotation]

const part = (value: unknown): JsonObject => (isJsonObject(value) ? value : {})
const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : [])

/** Only what is there: JSON has no undefined. */
const some = (fields: Record<string, unknown>): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as JsonObject

/** What v1 calls the parts of a target (`target…`) and of a measurement (`current…`). */
const amountsToV1 = (word: 'target' | 'current', amounts: JsonObject): JsonObject =>
  some({
    [`${word}Value`]: amounts['value'],
    [`${word}AverageValue`]: amounts['averageValue'],
    [`${word}AverageUtilization`]: amounts['averageUtilization'],
  })

const amountsFromV1 = (word: 'target' | 'current', source: JsonObject): JsonObject =>
  some({
    value: source[`${word}Value`],
    averageValue: source[`${word}AverageValue`],
    averageUtilization: source[`${word}AverageUtilization`],
  })

const targetFromV1 = (source: JsonObject): JsonObject => {
  const amounts = amountsFromV1('target', source)
  const type =
    amounts['averageUtilization'] === undefined
      ? amounts['averageValue'] === undefined
        ? 'Value'
        : 'AverageValue'
      : 'Utilization'
  return { type, ...amounts }
}

/** The source of a metric (`target`) or its measurement (`current`), in v1's fields. */
const sourceToV1 = (name: string, source: JsonObject, word: 'target' | 'current'): JsonObject => {
  const amounts = amountsToV1(word, part(source[word]))
  const metric = part(source['metric'])
  switch (name) {
    case 'object': {
      // Here `target` is the object, and the average has no word in front.
      const { [`${word}AverageValue`]: averageValue, ...rest } = amounts
      const { name: metricName, selector } = metric
      return some({ target: source['describedObject'], metricName, selector, ...rest, averageValue })
    }
    case 'external':
      return some({ metricName: metric['name'], metricSelector: metric['selector'], ...amounts })
    case 'pods':
      return some({ metricName: metric['name'], selector: metric['selector'], ...amounts })
    default:
      return some({ name: source['name'], container: source['container'], ...amounts })
  }
}

const sourceFromV1 = (name: string, source: JsonObject, word: 'target' | 'current'): JsonObject => {
  const read = word === 'target' ? targetFromV1 : (from: JsonObject) => amountsFromV1('current', from)
  const metric = some({ name: source['metricName'], selector: source['metricSelector'] ?? source['selector'] })
  switch (name) {
    case 'object': {
      const amounts = read({ ...source, [`${word}AverageValue`]: source['averageValue'] })
      return some({ describedObject: source['target'], metric, [word]: amounts })
    }
    case 'external':
    case 'pods':
      return some({ metric, [word]: read(source) })
    default:
      return some({ name: source['name'], container: source['container'], [word]: read(source) })
  }
}

const mapSources = (metric: JsonObject, convert: (name: string, source: JsonObject) => JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(metric).map(([name, value]) => [name, isJsonObject(value) ? convert(name, value) : value]),
  )

const cpuUtilization = (metric: JsonObject): unknown =>
  metric['type'] === 'Resource' && part(metric['resource'])['name'] === 'cpu'
    ? part(part(metric['resource'])['target'])['averageUtilization']
    : undefined

/** Upstream writes the behaviour as its own type has it, whose fields begin with capitals. */
const capitalize = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(capitalize)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [`${key[0]?.toUpperCase()}${key.slice(1)}`, capitalize(inner)]),
  )
}
const uncapitalize = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(uncapitalize)
  if (!isJsonObject(value)) return value
  return some(
    Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [`${key[0]?.toLowerCase()}${key.slice(1)}`, uncapitalize(inner)]),
    ),
  )
}

const annotationsToV1 = (spec: JsonObject, status: JsonObject): Record<string, string> => {
  const others = list(spec['metrics']).filter(metric => cpuUtilization(metric) === undefined)
  const current = list(status['currentMetrics'])
  const conditions = list(status['conditions'])
  const texts: [string, unknown, boolean][] = [
    [metricsAnnotation, others.map(m => mapSources(m, (n, s) => sourceToV1(n, s, 'target'))), others.length > 0],
    [
      currentMetricsAnnotation,
      current.map(m => mapSources(m, (n, s) => sourceToV1(n, s, 'current'))),
      current.length > 0,
    ],
    [conditionsAnnotation, conditions, conditions.length > 0],
    [behaviorAnnotation, capitalize(spec['behavior']), isJsonObject(spec['behavior'])],
  ]
  return Object.fromEntries(texts.filter(([, , there]) => there).map(([key, value]) => [key, JSON.stringify(value)]))
}

/** The stored object as v1 shows it; the object is changed. */
export const toV1 = (object: UnknownObject): UnknownObject => {
  const [spec, status] = [part(object['spec']), part(object['status'])]
  const { scaleTargetRef, minReplicas, maxReplicas } = spec
  const cpu = list(spec['metrics']).map(cpuUtilization).find(value => value !== undefined) // prettier-ignore
  const currentCpu = list(status['currentMetrics'])
    .filter(metric => metric['type'] === 'Resource' && part(metric['resource'])['name'] === 'cpu')
    .map(metric => part(part(metric['resource'])['current'])['averageUtilization'])
    .find(value => value !== undefined)
  const { observedGeneration, lastScaleTime, currentReplicas = 0, desiredReplicas = 0 } = status
  const annotations = { ...object.metadata?.annotations, ...annotationsToV1(spec, status) }
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: { ...object.metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: some({ scaleTargetRef, minReplicas, maxReplicas, targetCPUUtilizationPercentage: cpu }),
    status: some({
      observedGeneration,
      lastScaleTime,
      currentReplicas,
      desiredReplicas,
      currentCPUUtilizationPercentage: currentCpu,
    }),
  }
}

/** What an annotation holds; one that is no JSON holds nothing. */
const parsed = (text: string | undefined): unknown => {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a client of v1 wrote, as it is stored; the object is changed. */
export const fromV1 = (object: UnknownObject): UnknownObject => {
  const [spec, status] = [part(object['spec']), part(object['status'])]
  const { annotations = {}, ...metadata } = object.metadata ?? {}
  const cpu = spec['targetCPUUtilizationPercentage']
  const target = { type: 'Utilization', averageUtilization: cpu }
  const cpuMetric = cpu === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', target } }]
  const others = list(parsed(annotations[metricsAnnotation]))
  const metrics = [...cpuMetric, ...others.map(m => mapSources(m, (n, s) => sourceFromV1(n, s, 'target')))]
  const behavior = uncapitalize(parsed(annotations[behaviorAnnotation]))
  const current = list(parsed(annotations[currentMetricsAnnotation]))
  const currentCpu = status['currentCPUUtilizationPercentage']
  const measured =
    current.length > 0
      ? current.map(m => mapSources(m, (n, s) => sourceFromV1(n, s, 'current')))
      : currentCpu === undefined
        ? undefined
        : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: currentCpu } } }]
  const conditions = list(parsed(annotations[conditionsAnnotation]))
  const kept = Object.fromEntries(Object.entries(annotations).filter(([key]) => !ours.includes(key)))
  const { scaleTargetRef, minReplicas, maxReplicas } = spec
  const { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas = 0 } = status
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: { ...metadata, ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}) },
    spec: some({
      scaleTargetRef,
      minReplicas,
      maxReplicas,
      metrics: metrics.length > 0 ? metrics : undefined,
      behavior: isJsonObject(behavior) ? behavior : undefined,
    }),
    status: some({
      observedGeneration,
      lastScaleTime,
      currentReplicas,
      desiredReplicas,
      currentMetrics: measured,
      conditions: conditions.length > 0 ? conditions : undefined,
    }),
  }
}
