import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Kind } from '../kinds/kind.ts'
import type { ResourcePath } from '../rest/resource-path.ts'
import type { Registry as ApiRegistry } from '../registry/registry.ts'
import { verbsOf } from '../schema/endpoints.ts'

/** What metrics know a request by. */
export interface RequestLabels {
  verb: string
  group: string
  version: string
  resource: string
  subresource: string
  scope: string
}

export interface ApiMetrics {
  readonly contentType: string
  observe(labels: RequestLabels, code: number, seconds: number): void
  inflight(kind: 'mutating' | 'readOnly', change: 1 | -1): void
  longRunning(labels: RequestLabels, change: 1 | -1): void
  /** What counts the events of one watch. */
  watchEvents(labels: { group: string; version: string; kind: string }): () => void
  render(): Promise<string>
}

const requestNames = ['verb', 'group', 'version', 'resource', 'subresource', 'scope'] as const

/** What is looked at only when somebody asks. */
const addGauges = (register: Registry, registry: ApiRegistry): void => {
  const registers = [register]
  new Gauge({
    name: 'apiserver_storage_objects',
    help: 'Stored objects, by resource.',
    labelNames: ['resource'],
    registers,
    collect() {
      // Custom kinds may be gone since the last time.
      this.reset()
      for (const kind of registry.kinds)
        if (kind.storedAs === undefined && verbsOf(kind).includes('watch')) {
          const prefix = registry.key({ kind, namespace: '', name: '' })
          const resource = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`
          this.set({ resource }, registry.store.range({ prefix }).entries.length)
        }
    },
  })
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
}

/** Counters and histograms by upstream's names; `more`: those that parts of the server count by themselves. */
export const makeApiMetrics = (
  registry: ApiRegistry,
  more: readonly { addTo(register: Registry): void }[] = [],
): ApiMetrics => {
  const register = new Registry()
  for (const metrics of more) metrics.addTo(register)
  const registers = [register]
  const total = new Counter({
    name: 'apiserver_request_total',
    help: 'Requests, by verb, group, version, resource, scope and response code.',
    labelNames: [...requestNames, 'component', 'code'],
    registers,
  })
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency in seconds, watches and streams left out.',
    labelNames: [...requestNames, 'component'],
    buckets: [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60],
    registers,
  })
  const inflight = new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Requests being carried out.',
    labelNames: ['request_kind'],
    registers,
  })
  const longRunning = new Gauge({
    name: 'apiserver_longrunning_requests',
    help: 'Watches and streams that are open.',
    labelNames: [...requestNames, 'component'],
    registers,
  })
  const watchEvents = new Counter({
    name: 'apiserver_watch_events_total',
    help: 'Events sent to watchers.',
    labelNames: ['group', 'version', 'kind'],
    registers,
  })
  addGauges(register, registry)
  const component = 'apiserver'
  // Looking a series up by its labels costs more than counting does.
  const known = new Map<string, { requests: Counter.Internal; latency: Histogram.Internal<string> }>()
  return {
    contentType: register.contentType,
    observe: (labels, code, seconds) => {
      const { verb, group, version, resource, subresource, scope } = labels
      const key = `${verb} ${group}/${version}/${resource}/${subresource} ${scope} ${code}`
      let series = known.get(key)
      if (series === undefined) {
        const requests = total.labels({ ...labels, component, code: String(code) })
        known.set(key, (series = { requests, latency: duration.labels({ ...labels, component }) }))
      }
      series.requests.inc()
      series.latency.observe(seconds)
    },
    inflight: (kind, change) => inflight.inc({ request_kind: kind }, change),
    longRunning: (labels, change) => longRunning.inc({ ...labels, component }, change),
    watchEvents: labels => {
      const counter = watchEvents.labels(labels)
      return () => counter.inc()
    },
    render: () => register.metrics(),
  }
}

const none: RequestLabels = { verb: 'OTHER', group: '', version: '', resource: '', subresource: '', scope: '' }

const knownVerbs = new Set(
  'get list watch create update patch delete deletecollection post put head options'.split(' '),
)

/** Labels of a request. What clients invent is not counted by its name: every name would stay in memory. */
export const labelsOf = (verb: string, path: ResourcePath | undefined, kind: Kind | undefined): RequestLabels => {
  const known = knownVerbs.has(verb) ? { ...none, verb: verb.toUpperCase() } : none
  if (path === undefined || kind === undefined) return known
  const { subresource: asked } = path
  const served = asked === 'status' || asked === 'scale' || kind.subresources.includes(asked)
  return {
    ...known,
    group: kind.group,
    version: kind.version,
    resource: kind.plural,
    subresource: served ? asked : '',
    scope: path.name !== '' ? 'resource' : path.namespace !== '' ? 'namespace' : 'cluster',
  }
}
