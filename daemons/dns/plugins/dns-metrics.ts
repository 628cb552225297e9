import type { Registry } from 'prom-client'
import { rcodeName, typeName } from '../message/message.ts'
import type { DnsMetrics } from './plugin.ts'

const secondBuckets = [
  0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192,
]
const byteBuckets = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3]
/** Types that get a label of their own; the rest is `other`, so that nobody can make labels by asking. */
const namedTypes = new Set(['A', 'AAAA', 'MX', 'SOA', 'CNAME', 'PTR', 'TXT', 'NS', 'SRV', 'HTTPS', 'ANY'])

type Prometheus = typeof import('prom-client')

/** Counts, times and sizes of questions and replies. */
const questionMetrics = (client: Prometheus, register: Registry) => {
  const registers = [register]
  const question = ['server', 'zone', 'view', 'proto', 'family', 'type'] as const
  const where = ['server', 'zone', 'view'] as const
  const requests = new client.Counter({
    name: 'coredns_dns_requests_total',
    help: 'Questions.',
    labelNames: question,
    registers,
  })
  const responses = new client.Counter({
    name: 'coredns_dns_responses_total',
    help: 'Replies by code.',
    labelNames: [...where, 'rcode', 'plugin'],
    registers,
  })
  const duration = new client.Histogram({
    name: 'coredns_dns_request_duration_seconds',
    help: 'Time from a question to its reply.',
    labelNames: where,
    buckets: secondBuckets,
    registers,
  })
  const requestSize = new client.Histogram({
    name: 'coredns_dns_request_size_bytes',
    help: 'Size of questions.',
    labelNames: [...where, 'proto'],
    buckets: byteBuckets,
    registers,
  })
  const responseSize = new client.Histogram({
    name: 'coredns_dns_response_size_bytes',
    help: 'Size of replies.',
    labelNames: [...where, 'proto'],
    buckets: byteBuckets,
    registers,
  })
  return { requests, responses, duration, requestSize, responseSize }
}

/** Loads prom-client (it costs memory and time: only a Corefile with `prometheus` asks for it). */
export const loadDnsMetrics = async (version: string): Promise<DnsMetrics> => {
  const { default: client } = await import('prom-client')
  const register = new client.Registry()
  const registers = [register]
  const { requests, responses, duration, requestSize, responseSize } = questionMetrics(client, register)
  const hits = new client.Counter({ name: 'coredns_cache_hits_total', help: 'Replies out of the cache.', registers })
  const misses = new client.Counter({
    name: 'coredns_cache_misses_total',
    help: 'Questions that were not in the cache.',
    registers,
  })
  new client.Gauge({ name: 'coredns_build_info', help: 'The version.', labelNames: ['version'], registers }).set(
    { version },
    1,
  )
  return {
    observe: served => {
      const at = { server: served.server, zone: served.zone, view: '' }
      const type = typeName(served.type)
      const family = served.client.address.includes(':') ? '2' : '1'
      requests.inc({ ...at, proto: served.transport, family, type: namedTypes.has(type) ? type : 'other' })
      responses.inc({ ...at, rcode: rcodeName(served.rcode), plugin: '' })
      duration.observe(at, served.durationMs / 1000)
      requestSize.observe({ ...at, proto: served.transport }, served.requestBytes)
      responseSize.observe({ ...at, proto: served.transport }, served.replyBytes)
    },
    cache: hit => (hit ? hits : misses).inc(),
    text: () => register.metrics(),
  }
}
