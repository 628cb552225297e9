/** A network link, as the kernel reports it. */
export interface Link {
  readonly index: number
  readonly name: string
  /** `aa:bb:cc:dd:ee:ff`, '' for a link without one. */
  readonly mac: string
  readonly mtu: number
  readonly up: boolean
  /** `bridge`, `veth`, …; '' for a physical or loopback link. */
  readonly kind: string
  /** Index of the bridge it is a port of, 0 for none. */
  readonly master: number
  readonly promiscuous: boolean
  /** Bridge ports only: frames may leave by the port they came in by. */
  readonly hairpin: boolean
}

export type LinkSpec =
  | { kind: 'bridge'; name: string; mtu?: number; mac?: string }
  | {
      kind: 'veth'
      name: string
      mtu?: number
      /** Index of the bridge that `name` becomes a port of. */
      master?: number
      /** The other end; `netns` is an open file descriptor of the namespace it is born in. */
      peer: { name: string; netns?: number; mac?: string }
    }

export interface LinkChange {
  up?: boolean
  mtu?: number
  /** Index of a bridge, 0 to leave one. */
  master?: number
  promiscuous?: boolean
  /** Only for a bridge port. */
  hairpin?: boolean
}

export interface LinkAddress {
  /** Index of the link. */
  readonly link: number
  /** With its prefix length: `10.244.0.1/24`. */
  readonly address: string
}

export interface Route {
  /** `10.244.0.0/24`; the default route is `0.0.0.0/0` or `::/0`. */
  readonly destination: string
  readonly gateway?: string
  /** Index of the link it leaves by, 0 when it has none (blackhole). */
  readonly link: number
  readonly metric?: number
  /** 'link' for destinations on the link itself; a gateway makes it 'global'. */
  readonly scope?: 'global' | 'link'
  readonly mtu?: number
}

/**
 * Links, addresses and main-table routes of one network namespace. Failures are SkiffError: NOT_FOUND (no such link,
 * address or route), CONFLICT (there already), PERMISSION_DENIED, INVALID_INPUT, UNAVAILABLE (anything else).
 */
export interface Links {
  list(): Promise<Link[]>
  create(spec: LinkSpec): Promise<void>
  change(index: number, change: LinkChange): Promise<void>
  remove(index: number): Promise<void>
  addresses(): Promise<LinkAddress[]>
  changeAddress(op: 'add' | 'remove', address: LinkAddress): Promise<void>
  routes(): Promise<Route[]>
  changeRoute(op: 'add' | 'remove', route: Route): Promise<void>
}

/** A namespace's Links with the socket that must be closed. */
export interface OpenLinks extends Links {
  close(): void
}
