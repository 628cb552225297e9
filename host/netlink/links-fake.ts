import { SkiffError } from '../../kube/errors.ts'
import type { Link, LinkAddress, LinkChange, LinkSpec, OpenLinks, Route } from './links.ts'

/** The namespaces a FakeLinks can send veth peers to, by the file descriptor the test made up for each. */
export type FakeNamespaces = Map<number, FakeLinks>

/** One namespace in memory, with the kernel's rules: names are unique, a veth goes with its peer, ports leave with their bridge. */
export class FakeLinks implements OpenLinks {
  readonly #namespaces: FakeNamespaces
  readonly #links = new Map<number, Link>()
  readonly #peers = new Map<number, { owner: FakeLinks; index: number }>()
  #addresses: LinkAddress[] = []
  #routes: Route[] = []
  #nextIndex = 1
  /** Called before each operation: a test throws from it to make that operation fail. */
  beforeEach: (operation: string) => void = () => {}
  constructor(namespaces: FakeNamespaces = new Map()) {
    this.#namespaces = namespaces
    this.#add({ name: 'lo', kind: '', mtu: 65536, up: true })
  }
  close(): void {}

  async list(): Promise<Link[]> {
    this.beforeEach('list')
    return [...this.#links.values()]
  }

  async create(spec: LinkSpec): Promise<void> {
    this.beforeEach(`create ${spec.kind}`)
    const mtu = spec.mtu ?? 1500
    if (spec.kind === 'bridge') {
      this.#add({
        name: spec.name,
        kind: 'bridge',
        mtu,
        up: true,
        ...(spec.mac === undefined ? {} : { mac: spec.mac }),
      })
      return
    }
    const there = spec.peer.netns === undefined ? this : this.#namespaces.get(spec.peer.netns)
    if (there === undefined) throw new SkiffError('INVALID_INPUT', `no namespace ${spec.peer.netns}`)
    there.#refuseName(spec.peer.name)
    const near = this.#add({ name: spec.name, kind: 'veth', mtu, up: true, master: spec.master ?? 0 })
    const far = there.#add({ name: spec.peer.name, kind: 'veth', mtu, up: false })
    this.#peers.set(near, { owner: there, index: far })
    there.#peers.set(far, { owner: this, index: near })
  }

  async change(index: number, change: LinkChange): Promise<void> {
    this.beforeEach('change')
    this.#links.set(index, { ...this.#must(index), ...change })
  }

  async remove(index: number): Promise<void> {
    this.beforeEach('remove')
    this.#must(index)
    const peer = this.#peers.get(index)
    this.#drop(index)
    if (peer !== undefined) peer.owner.#drop(peer.index)
  }

  async addresses(): Promise<LinkAddress[]> {
    this.beforeEach('addresses')
    return [...this.#addresses]
  }

  async changeAddress(op: 'add' | 'remove', address: LinkAddress): Promise<void> {
    this.beforeEach(`${op} address`)
    this.#must(address.link)
    const same = (a: LinkAddress) => a.link === address.link && a.address === address.address
    this.#addresses = this.#changed(op, this.#addresses, same, address)
  }

  async routes(): Promise<Route[]> {
    this.beforeEach('routes')
    return [...this.#routes]
  }

  async changeRoute(op: 'add' | 'remove', route: Route): Promise<void> {
    this.beforeEach(`${op} route`)
    const same = (r: Route) => r.destination === route.destination && r.link === route.link
    this.#routes = this.#changed(op, this.#routes, same, route)
  }

  #changed<T>(op: 'add' | 'remove', all: readonly T[], same: (item: T) => boolean, item: T): T[] {
    const there = all.some(same)
    if (op === 'add' && there) throw new SkiffError('CONFLICT', 'EEXIST')
    if (op === 'remove' && !there) throw new SkiffError('NOT_FOUND', 'no such entry')
    return op === 'add' ? [...all, item] : all.filter(other => !same(other))
  }

  #add(link: Partial<Link> & { name: string }): number {
    this.#refuseName(link.name)
    const index = this.#nextIndex++
    const mac = `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`
    const blank = { mac, mtu: 1500, up: false, kind: '', master: 0, promiscuous: false, hairpin: false }
    this.#links.set(index, { ...blank, ...link, index })
    return index
  }

  #refuseName(name: string): void {
    if ([...this.#links.values()].some(link => link.name === name)) throw new SkiffError('CONFLICT', `EEXIST ${name}`)
  }

  #must(index: number): Link {
    const link = this.#links.get(index)
    if (link === undefined) throw new SkiffError('NOT_FOUND', `ENODEV ${index}`)
    return link
  }

  #drop(index: number): void {
    this.#links.delete(index)
    this.#peers.delete(index)
    this.#addresses = this.#addresses.filter(address => address.link !== index)
    this.#routes = this.#routes.filter(route => route.link !== index)
    for (const link of this.#links.values())
      if (link.master === index) this.#links.set(link.index, { ...link, master: 0, hairpin: false })
  }
}
