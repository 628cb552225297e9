import type { UnknownObject } from '../../../../kube/object.ts'
import type { Store } from '../../store/store.ts'
import { type Binding, bindingOf, type Policy, policyOf } from './policy.ts'

export interface PolicyHook {
  readonly policy: Policy
  readonly bindings: readonly Binding[]
}

/** Keeps what `read` makes of the objects under a prefix, and tells when it changes. */
const follow = <T>(store: Store, plural: string, read: (object: UnknownObject) => T, changed: () => void) => {
  const prefix = `/registry/admissionregistration.k8s.io/${plural}/`
  const known = new Map<string, T>()
  const { entries, revision } = store.range({ prefix })
  for (const { object } of entries) known.set(object.metadata?.name ?? '', read(object))
  store.watch(prefix, revision, ({ type, entry }) => {
    const name = entry.key.slice(prefix.length)
    if (type === 'delete') known.delete(name)
    else known.set(name, read(entry.object))
    changed()
  })
  return known
}

/** The policies that are bound, kept by a watch: a request of a cluster that has none looks at an empty list. */
export class PolicyTable {
  readonly #policies: Map<string, Policy>
  readonly #bindings: Map<string, Binding>
  #hooks: readonly PolicyHook[] = []

  constructor(store: Store) {
    const changed = (): void => this.#join()
    this.#policies = follow(store, 'validatingadmissionpolicies', policyOf, changed)
    this.#bindings = follow(store, 'validatingadmissionpolicybindings', bindingOf, changed)
    this.#join()
  }

  /** By the names of the policies. */
  get hooks(): readonly PolicyHook[] {
    return this.#hooks
  }

  #join(): void {
    const bindings = [...this.#bindings.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    this.#hooks = [...this.#policies.values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(policy => ({ policy, bindings: bindings.filter(binding => binding.policyName === policy.name) }))
      .filter(hook => hook.bindings.length > 0)
  }
}
