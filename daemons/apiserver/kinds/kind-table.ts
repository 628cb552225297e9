import type { Kind } from './kind.ts'
import { compareVersions } from './version-priority.ts'

/** Told after the table changed; it must not throw. */
type Listener = () => void

const pathOf = ({ group, version, plural }: Pick<Kind, 'group' | 'version' | 'plural'>): string =>
  `${group}/${version}/${plural}`

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Custom groups come behind the built-in ones by name, the best version of each first: upstream's order of discovery. */
const compareCustom = (a: Kind, b: Kind): number =>
  compareText(a.group, b.group) || compareVersions(a.version, b.version) || compareText(a.plural, b.plural)

/**
 * Which kinds are served. The built-in ones stand for as long as the process does; the others come, change and go with
 * whoever brings them (a CustomResourceDefinition brings one row a version).
 */
export class KindTable implements Iterable<Kind> {
  readonly #builtin: readonly Kind[]
  readonly #byOwner = new Map<string, readonly Kind[]>()
  readonly #byPath = new Map<string, Kind>()
  readonly #listeners = new Set<Listener>()
  #all: readonly Kind[]

  constructor(builtin: readonly Kind[]) {
    this.#builtin = builtin
    this.#all = builtin
    for (const kind of builtin) this.#byPath.set(pathOf(kind), kind)
  }

  /** Another array after each change, so that whoever made something of it sees that it is out of date. */
  get all(): readonly Kind[] {
    return this.#all
  }

  [Symbol.iterator](): Iterator<Kind> {
    return this.#all[Symbol.iterator]()
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`)
  }

  /** Whether this very row is served: a row that was replaced is not. */
  serves(kind: Kind): boolean {
    return this.#byPath.get(pathOf(kind)) === kind
  }

  /** Serves these rows in the place of those that `owner` brought before; none: serves it no more. Never hides a built-in kind. */
  set(owner: string, kinds: readonly Kind[]): void {
    const before = this.#byOwner.get(owner) ?? []
    if (before.length === 0 && kinds.length === 0) return
    for (const kind of before) if (this.serves(kind)) this.#byPath.delete(pathOf(kind))
    const added = kinds.filter(kind => !this.#byPath.has(pathOf(kind)))
    for (const kind of added) this.#byPath.set(pathOf(kind), kind)
    if (added.length === 0) this.#byOwner.delete(owner)
    else this.#byOwner.set(owner, added)
    this.#all = [...this.#builtin, ...[...this.#byOwner.values()].flat().sort(compareCustom)]
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` after each change. Returns what stops it. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
