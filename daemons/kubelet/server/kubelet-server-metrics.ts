import { Counter, Gauge, Registry } from 'prom-client'

/** Figures of the kubelet's HTTPS API, under upstream's names. */
export class KubeletServerMetrics {
  readonly #registry = new Registry()
  readonly #requests = new Counter({
    name: 'kubelet_http_requests_total',
    help: 'Streaming requests, by path',
    labelNames: ['path', 'long_running'] as const,
    registers: [this.#registry],
  })
  readonly #inflight = new Gauge({
    name: 'kubelet_http_inflight_requests',
    help: 'Streaming requests under way, by path',
    labelNames: ['path', 'long_running'] as const,
    registers: [this.#registry],
  })

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Counts a request for as long as `work` takes. */
  async during<T>(path: string, work: () => Promise<T>): Promise<T> {
    const labels = { path, long_running: 'true' }
    this.#requests.inc(labels)
    this.#inflight.inc(labels)
    try {
      return await work()
    } finally {
      this.#inflight.dec(labels)
    }
  }
}
