import { Counter, Histogram, type Registry } from 'prom-client'
import type { AdmissionRequest } from '../plugin.ts'
import type { Webhook } from './webhook.ts'

/** How a call ended, as the metrics tell it apart. */
export interface CallOutcome {
  seconds: number
  rejected: boolean
  errorType?: 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error'
  code?: number
  /** The call failed and the failure policy let the request go on. */
  failedOpen?: boolean
}

const labelNames = ['name', 'type', 'operation'] as const

/** Counts calls of webhooks, by upstream's names. */
export class WebhookMetrics {
  readonly #duration = new Histogram({
    name: 'apiserver_admission_webhook_admission_duration_seconds',
    help: 'Latency of admission webhooks in seconds, by name, operation, type and whether they refused.',
    labelNames: [...labelNames, 'rejected'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25],
    registers: [],
  })
  readonly #rejections = new Counter({
    name: 'apiserver_admission_webhook_rejection_count',
    help: 'Requests refused by or because of an admission webhook.',
    labelNames: [...labelNames, 'error_type', 'rejection_code'],
    registers: [],
  })
  readonly #requests = new Counter({
    name: 'apiserver_admission_webhook_request_total',
    help: 'Calls of admission webhooks.',
    labelNames: [...labelNames, 'code', 'rejected'],
    registers: [],
  })
  readonly #failedOpen = new Counter({
    name: 'apiserver_admission_webhook_fail_open_count',
    help: 'Requests let in although their webhook could not be asked.',
    labelNames: ['name', 'type'],
    registers: [],
  })

  addTo(register: Registry): void {
    register.registerMetric(this.#duration)
    register.registerMetric(this.#rejections)
    register.registerMetric(this.#requests)
    register.registerMetric(this.#failedOpen)
  }

  observe({ name, type }: Webhook, { operation: asked }: AdmissionRequest, outcome: CallOutcome): void {
    const { seconds, rejected, errorType, code = 200, failedOpen } = outcome
    const labels = { name, type, operation: asked.toUpperCase() }
    this.#duration.observe({ ...labels, rejected: String(rejected) }, seconds)
    this.#requests.inc({ ...labels, code: String(code), rejected: String(rejected) })
    if (failedOpen === true) this.#failedOpen.inc({ name, type })
    // Upstream gathers all codes past 600 in one.
    if (rejected && errorType !== undefined)
      this.#rejections.inc({ ...labels, error_type: errorType, rejection_code: String(Math.min(code, 600)) })
  }
}
