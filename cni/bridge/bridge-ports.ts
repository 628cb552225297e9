import type { Links, OpenLinks } from '../../host/netlink/links.ts'

/** A pod's namespace, open. */
export interface PodNetwork {
  links: OpenLinks
  /** File descriptor of the namespace: veth ends are made in it. */
  fd: number
  close(): void
}

/** What identifies a container's masquerade rules: CNI network and container. */
export interface MasqueradeOwner {
  network: string
  containerId: string
}

/** The machine, as the bridge plugin uses it. */
export interface BridgePorts {
  host: Links
  /** Throws SkiffError NOT_FOUND when the namespace is gone. */
  openPod(netns: string): PodNetwork
  /** Under /proc/sys, of the host's namespace; writes only when it differs, and records what was there. */
  setSysctl(key: string, value: string): void
  /** Called before the network's bridge is made. */
  recordBridge(name: string): void
  masquerade(owner: MasqueradeOwner, address: string): Promise<void>
  /** No error when there is nothing. */
  unmasquerade(owner: MasqueradeOwner): Promise<void>
  /** Four random bytes as hex. */
  randomHex(): string
}
