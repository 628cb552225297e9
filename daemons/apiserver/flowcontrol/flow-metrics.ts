import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Flow, FlowController } from './flow-controller.ts'

const both = ['priority_level', 'flow_schema'] as const
const prefix = 'apiserver_flowcontrol_'

/** Counts of flow control by upstream's names; they are looked at when somebody asks, and cost a request nothing. */
export class FlowMetrics {
  readonly #controller: () => FlowController
  readonly #waits = new Histogram({
    name: `${prefix}request_wait_duration_seconds`,
    help: 'How long requests waited in a queue; those that did not are not counted.',
    labelNames: [...both, 'execute'],
    buckets: [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
    registers: [],
  })
  constructor(controller: () => FlowController) {
    this.#controller = controller
  }

  readonly onWaited = ({ counts }: Flow, seconds: number, executed: boolean): void => {
    const labels = { priority_level: counts.level, flow_schema: counts.schema, execute: String(executed) }
    this.#waits.observe(labels, seconds)
  }

  addTo(register: Registry): void {
    register.registerMetric(this.#waits)
    this.#addFlows(register)
    this.#addLevels(register)
  }

  #addFlows(register: Registry): void {
    const controller = this.#controller
    const registers = [register]
    const gauges = {
      current_inqueue_requests: ['Requests that wait in a queue.', 'inQueue'],
      current_executing_requests: ['Requests that are carried out; watches only while they begin.', 'executing'],
      current_executing_seats: ['Seats that they take: one each.', 'executing'],
    } as const
    for (const [name, [help, field]] of Object.entries(gauges))
      new Gauge({
        name: `${prefix}${name}`,
        help,
        labelNames: both,
        registers,
        collect() {
          for (const counts of controller().counts)
            this.set({ priority_level: counts.level, flow_schema: counts.schema }, counts[field])
        },
      })
    new Counter({
      name: `${prefix}dispatched_requests_total`,
      help: 'Requests that were let in.',
      labelNames: both,
      registers,
      collect() {
        this.reset()
        for (const { level, schema, dispatched } of controller().counts)
          this.inc({ priority_level: level, flow_schema: schema }, dispatched)
      },
    })
    new Counter({
      name: `${prefix}rejected_requests_total`,
      help: 'Requests that were refused.',
      labelNames: [...both, 'reason'],
      registers,
      collect() {
        this.reset()
        for (const { level, schema, rejected } of controller().counts)
          for (const [reason, count] of rejected)
            this.inc({ priority_level: level, flow_schema: schema, reason }, count)
      },
    })
  }

  #addLevels(register: Registry): void {
    const controller = this.#controller
    const gauges = {
      nominal_limit_seats: ['Seats of a level by its shares.', 'nominal'],
      lower_limit_seats: ['Seats that a level never lends.', 'guaranteed'],
      upper_limit_seats: ['Seats of a level with all that it may borrow.', 'most'],
    } as const
    for (const [name, [help, field]] of Object.entries(gauges))
      new Gauge({
        name: `${prefix}${name}`,
        help,
        labelNames: ['priority_level'],
        registers: [register],
        collect() {
          this.reset()
          for (const { row, limits } of controller().levels) this.set({ priority_level: row.name }, limits[field])
        },
      })
  }
}
