import type { Ip } from '../../kube/ip-address.ts'

/** Who holds an address. */
export interface LeaseOwner {
  containerId: string
  ifName: string
}

/** The leases of one network on this node. Everything runs while the store is locked. */
export interface LeaseStore {
  /** False when somebody holds it already. */
  reserve(ip: Ip, owner: LeaseOwner, setIndex: number): boolean
  release(owner: LeaseOwner): void
  heldBy(owner: LeaseOwner): Ip[]
  lastReserved(setIndex: number): Ip | undefined
}

/** Runs `work` with the store locked against every other process. */
export type WithLeases = <T>(directory: string, work: (store: LeaseStore) => T) => T
