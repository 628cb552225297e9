import { formatIp, parseIp } from '../../kube/ip-address.ts'
import type { LeaseStore, WithLeases } from './lease-store.ts'

/** Leases in memory, by directory. */
export class FakeLeases {
  readonly leases = new Map<string, Map<string, string>>()
  readonly #last = new Map<string, string>()
  readonly withLeases: WithLeases = (directory, work) => {
    const held = this.leases.get(directory) ?? new Map<string, string>()
    this.leases.set(directory, held)
    const store: LeaseStore = {
      reserve: (ip, owner, setIndex) => {
        if (held.has(formatIp(ip))) return false
        held.set(formatIp(ip), `${owner.containerId} ${owner.ifName}`)
        this.#last.set(`${directory} ${setIndex}`, formatIp(ip))
        return true
      },
      release: owner => {
        for (const [ip, holder] of held) if (holder === `${owner.containerId} ${owner.ifName}`) held.delete(ip)
      },
      heldBy: owner =>
        [...held].filter(([, holder]) => holder === `${owner.containerId} ${owner.ifName}`).map(([ip]) => parseIp(ip)),
      lastReserved: setIndex => {
        const last = this.#last.get(`${directory} ${setIndex}`)
        return last === undefined ? undefined : parseIp(last)
      },
    }
    return work(store)
  }
}
