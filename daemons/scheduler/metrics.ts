import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { SchedulingQueue, SubQueue } from './scheduling-queue.ts'

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error'

const SUB_QUEUES: readonly SubQueue[] = ['active', 'backoff', 'unschedulable', 'gated']
/** From 1 ms, doubling 15 times: upstream's buckets. */
const BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i)

/** The scheduler's figures, under upstream's names. */
export class SchedulerMetrics {
  readonly registry = new Registry()
  readonly #attempts = new Counter({
    name: 'scheduler_schedule_attempts_total',
    help: 'Attempts to schedule pods, by result',
    labelNames: ['result', 'profile'] as const,
    registers: [this.registry],
  })
  readonly #duration = new Histogram({
    name: 'scheduler_scheduling_attempt_duration_seconds',
    help: 'Seconds of one attempt, binding included',
    labelNames: ['result', 'profile'] as const,
    buckets: BUCKETS,
    registers: [this.registry],
  })
  readonly #podAttempts = new Histogram({
    name: 'scheduler_pod_scheduling_attempts',
    help: 'Attempts a pod needed until it had a node',
    buckets: [1, 2, 4, 8, 16],
    registers: [this.registry],
  })
  readonly #waited = new Histogram({
    name: 'scheduler_pod_scheduling_sli_duration_seconds',
    help: 'Seconds from the moment a pod was queued until it had a node',
    labelNames: ['attempts'] as const,
    buckets: Array.from({ length: 20 }, (_, i) => 0.01 * 2 ** i),
    registers: [this.registry],
  })
  readonly #incoming = new Counter({
    name: 'scheduler_queue_incoming_pods_total',
    help: 'Pods put into a queue, by queue and reason',
    labelNames: ['queue', 'event'] as const,
    registers: [this.registry],
  })

  /** Reads the queue's sizes whenever it is scraped. */
  watchQueue(queue: SchedulingQueue): void {
    const gauge = new Gauge({
      name: 'scheduler_pending_pods',
      help: 'Pods that wait for a node, by queue',
      labelNames: ['queue'] as const,
      registers: [this.registry],
      collect: () => {
        for (const name of SUB_QUEUES) gauge.set({ queue: name }, queue.size(name))
      },
    })
  }

  incoming(queue: SubQueue, event: string): void {
    this.#incoming.inc({ queue, event })
  }

  attempt(result: AttemptResult, profile: string, seconds: number): void {
    this.#attempts.inc({ result, profile })
    this.#duration.observe({ result, profile }, seconds)
  }

  scheduled(attempts: number, seconds: number): void {
    this.#podAttempts.observe(attempts)
    this.#waited.observe({ attempts: String(attempts) }, seconds)
  }
}
