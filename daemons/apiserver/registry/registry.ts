import type { Clock } from '../../../kube/clock.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { AdmissionChain } from '../admission/admission-chain.ts'
import type { AdmissionPlugin, AdmissionReader } from '../admission/plugin.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { ServiceAccountTokens } from '../auth/tokens/service-account-tokens.ts'
import type { TokenAuthenticator } from '../auth/tokens/token-authenticator.ts'
import type { UserInfo } from '../auth/user-info.ts'
import type { Kind } from '../kinds/kind.ts'
import { KindTable } from '../kinds/kind-table.ts'
import type { Store } from '../store/store.ts'
import { StoredEntry } from '../store/stored-entry.ts'

/** Who asks, and how the answer is to be made. */
export interface RequestContext {
  user: UserInfo
  dryRun: boolean
  /** Owner of the fields this request sets, in metadata.managedFields. */
  fieldManager: string
  fieldValidation: 'Ignore' | 'Warn' | 'Strict'
  /** What was found while the body was decoded: `duplicate field "spec.replicas"`. */
  decodeFindings: readonly string[]
  /** Options as the client gave them, for who wants to see them: `fieldManager`, `fieldValidation`. */
  asked?: Readonly<Record<string, string>>
  /** Becomes a Warning header. */
  warn(text: string): void
  /** Becomes an annotation of the request's audit record. */
  annotate?(key: string, value: string): void
  /** Admission has been passed already: the write is a step of a request that was admitted as something else (an eviction). */
  admitted?: boolean
}

/** What a request addresses. */
export interface ObjectTarget {
  kind: Kind
  /** '' for a cluster-scoped kind, and for all namespaces. */
  namespace: string
  /** '' for a collection. */
  name: string
}

/** What a write gave; `entry` is in the shape of the kind that was asked for. */
export interface WriteResult {
  entry: StoredEntry
  created: boolean
}

export interface RegistryOptions {
  store: Store
  /** The built-in kinds; others come and go in `Registry.kinds`. */
  kinds: readonly Kind[]
  plugins: readonly AdmissionPlugin[]
  /** Asked for every request, before it comes here. */
  authorizer: Authorizer
  /** Says whose bearer tokens are. */
  tokens: TokenAuthenticator
  /** Issues tokens; undefined: nobody does. */
  serviceAccountTokens?: ServiceAccountTokens
  clock: Clock
}

/** The kinds and the store they are kept in: what every request works on. */
export class Registry {
  readonly store: Store
  readonly kinds: KindTable
  readonly admission: AdmissionChain
  readonly authorizer: Authorizer
  readonly tokens: TokenAuthenticator
  readonly serviceAccountTokens: ServiceAccountTokens | undefined
  readonly clock: Clock
  readonly reader: AdmissionReader
  /** Told once a minute how far the store has come, so that they can resume from there. */
  readonly openWatches = new Set<{ kind: Kind; bookmark(): void; expire(): void }>()
  /** By kind: objects may be served in more than one other shape. */
  readonly #views = new WeakMap<Kind, WeakMap<StoredEntry, StoredEntry>>()

  constructor({ store, kinds, plugins, authorizer, tokens, serviceAccountTokens, clock }: RegistryOptions) {
    this.store = store
    this.kinds = new KindTable(kinds)
    this.admission = new AdmissionChain(plugins)
    this.authorizer = authorizer
    this.tokens = tokens
    this.serviceAccountTokens = serviceAccountTokens
    this.clock = clock
    // Who watches a kind that is gone, or is served in another way now, lists it again.
    this.kinds.onChange(() => {
      for (const watch of this.openWatches) if (!this.kinds.serves(watch.kind)) watch.expire()
    })
    this.reader = readerOf(store)
    for (const plugin of plugins) plugin.attach?.(this)
  }

  kind(group: string, version: string, plural: string): Kind | undefined {
    return this.kinds.find(group, version, plural)
  }

  key({ kind, namespace, name }: ObjectTarget): string {
    const { group, plural } = kind.storedAs ?? kind
    return keyFor(group, plural, kind.namespaced ? namespace : '', name)
  }

  /**
   * The entry in the kind's own shape: itself, unless the kind is a second view of another's objects, or custom. A
   * promise only where a webhook converts.
   */
  view(kind: Kind, entry: StoredEntry): StoredEntry | Promise<StoredEntry> {
    if (kind.custom === undefined) return this.viewNow(kind, entry)
    const views = kind.custom.fromStored([entry])
    if (views instanceof Promise) return views.then(([view]) => view ?? entry)
    return views[0] ?? entry
  }

  /** Many at once: a webhook is asked once for all of them. */
  views(kind: Kind, entries: readonly StoredEntry[]): readonly StoredEntry[] | Promise<readonly StoredEntry[]> {
    if (kind.custom !== undefined) return kind.custom.fromStored(entries)
    return kind.storedAs === undefined ? entries : entries.map(entry => this.viewNow(kind, entry))
  }

  /** The object as it is stored, of one in the kind's shape. */
  toStored(kind: Kind, object: UnknownObject): UnknownObject | Promise<UnknownObject> {
    return kind.custom?.toStored(object) ?? kind.storedAs?.toStored(object) ?? object
  }

  /** `view` of a kind that no webhook converts. */
  viewNow(kind: Kind, entry: StoredEntry): StoredEntry {
    if (kind.custom !== undefined) {
      const views = kind.custom.fromStored([entry])
      if (views instanceof Promise) throw new TypeError(`${kind.plural} are converted by a webhook`)
      return views[0] ?? entry
    }
    if (kind.storedAs === undefined) return entry
    let views = this.#views.get(kind)
    if (views === undefined) this.#views.set(kind, (views = new WeakMap()))
    let view = views.get(entry)
    if (view === undefined) {
      view = new StoredEntry(entry.key, entry.revision, { object: kind.storedAs.fromStored(entry.copy()) })
      views.set(entry, view)
    }
    return view
  }

  /** Seconds, as meta/v1 Time has them. */
  now(): string {
    return timeText(this.clock.now())
  }
}

/** Stored objects by what they are. */
export const readerOf = (store: Store): AdmissionReader => ({
  get: (group, plural, namespace, name) => store.get(keyFor(group, plural, namespace, name))?.object,
  list: (group, plural, namespace = '') =>
    store.range({ prefix: keyFor(group, plural, namespace, '') }).entries.map(entry => entry.object),
})

/** `2026-01-01T00:00:00Z` */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** Without a name: the prefix of a collection, which ends with a slash. */
const keyFor = (group: string, plural: string, namespace: string, name: string): string =>
  `/registry/${group === '' ? 'core' : group}/${plural}/${namespace === '' ? '' : `${namespace}/`}${name}`
