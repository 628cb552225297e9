import type { Clock } from '../../kube/clock.ts'

/**
 * Healthy means: no change has waited longer than `timeoutMs` for its rules. A node that is being deleted is not
 * eligible for new load balancer traffic, though the proxy itself is alive (KEP-3836).
 */
export class ProxyHealth {
  readonly #clock: Clock
  readonly #timeoutMs: number
  #updatedAt: number
  #oldestQueuedAt: number | undefined
  nodeEligible = true
  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#updatedAt = clock.now()
  }

  queued(): void {
    this.#oldestQueuedAt ??= this.#clock.now()
  }

  updated(): void {
    this.#updatedAt = this.#clock.now()
    this.#oldestQueuedAt = undefined
  }

  status(): { alive: boolean; body: { lastUpdated: string; currentTime: string; nodeEligible: boolean } } {
    const now = this.#clock.now()
    const alive = this.#oldestQueuedAt === undefined || now - this.#oldestQueuedAt < this.#timeoutMs
    return {
      alive,
      body: {
        lastUpdated: new Date(alive ? now : this.#updatedAt).toISOString(),
        currentTime: new Date(now).toISOString(),
        nodeEligible: this.nodeEligible,
      },
    }
  }
}
