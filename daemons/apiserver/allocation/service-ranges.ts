import { parseCidr } from '../../../kube/ip-address.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import type { ServiceCIDR } from '../../../kube/resources.ts'
import { draftOf } from '../kinds/draft.ts'
import type { Store } from '../store/store.ts'
import { type AddressRange, type IpFamily, rangeOf } from './service-range.ts'

export const serviceCidrPrefix = '/registry/networking.k8s.io/servicecidrs/'

/** Without a condition it is ready: the controller that sets it need not run. */
const isReady = (object: UnknownObject): boolean => {
  const { metadata, status } = draftOf<ServiceCIDR>(object)
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return metadata?.deletionTimestamp === undefined && (ready === undefined || ready.status === 'True')
}

/** A stored object is no proof that its text can be read. */
const parseRange = (text: string): AddressRange | undefined => {
  try {
    return rangeOf(parseCidr(text))
  } catch {
    return undefined
  }
}

/** Where ClusterIPs come from: the ranges of the command line, then those of every ServiceCIDR that is ready. */
export class ServiceRanges {
  /** Of the command line, which decides what families the cluster has. */
  readonly own: readonly [AddressRange, ...AddressRange[]]
  readonly families: readonly [IpFamily, ...IpFamily[]]
  readonly #store: Store
  #known: { ready: readonly AddressRange[]; all: readonly AddressRange[] } | undefined

  constructor(store: Store, own: readonly [AddressRange, ...AddressRange[]]) {
    this.#store = store
    this.own = own
    const [primary, ...more] = own
    this.families = [primary.family, ...more.map(({ family }) => family)]
    store.watch(serviceCidrPrefix, store.revision, () => (this.#known = undefined))
  }

  /** Those that addresses are taken from. */
  get ready(): readonly AddressRange[] {
    return this.#read().ready
  }

  /** Those that an address may lie in: also what is about to go. */
  get all(): readonly AddressRange[] {
    return this.#read().all
  }

  #read(): { ready: readonly AddressRange[]; all: readonly AddressRange[] } {
    if (this.#known !== undefined) return this.#known
    const [ready, all] = [new Map<string, AddressRange>(), new Map<string, AddressRange>()]
    for (const range of this.own) for (const map of [ready, all]) map.set(range.cidr, range)
    for (const { object } of this.#store.range({ prefix: serviceCidrPrefix }).entries)
      for (const text of draftOf<ServiceCIDR>(object).spec?.cidrs ?? []) {
        const range = parseRange(text)
        if (range === undefined) continue
        all.set(range.cidr, range)
        if (isReady(object)) ready.set(range.cidr, range)
      }
    return (this.#known = { ready: [...ready.values()], all: [...all.values()] })
  }
}
