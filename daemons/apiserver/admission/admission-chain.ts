import type { AdmissionOperation, AdmissionPlugin, AdmissionRoute } from './plugin.ts'
import type { Kind } from '../kinds/kind.ts'

/** The plugins that requests of one route pass, in order. */
export interface RoutePlugins {
  mutating: readonly AdmissionPlugin[]
  allocating: readonly AdmissionPlugin[]
  validating: readonly AdmissionPlugin[]
  /** Those that are told the outcome. */
  finishing: readonly AdmissionPlugin[]
}

/** The plugins of a server, sorted out once for each kind, operation and subresource, so that a request meets only its own. */
export class AdmissionChain {
  readonly plugins: readonly AdmissionPlugin[]
  readonly #routes = new WeakMap<Kind, Map<string, RoutePlugins>>()
  constructor(plugins: readonly AdmissionPlugin[]) {
    this.plugins = plugins
  }

  route(operation: AdmissionOperation, kind: Kind, subresource: string): RoutePlugins {
    let ofKind = this.#routes.get(kind)
    if (ofKind === undefined) this.#routes.set(kind, (ofKind = new Map()))
    const key = subresource === '' ? operation : `${operation}/${subresource}`
    let found = ofKind.get(key)
    if (found === undefined) ofKind.set(key, (found = this.#select({ operation, kind, subresource })))
    return found
  }

  #select(route: AdmissionRoute): RoutePlugins {
    const concerned = this.plugins.filter(plugin => plugin.handles?.(route) ?? true)
    return {
      mutating: concerned.filter(plugin => plugin.admit !== undefined),
      allocating: concerned.filter(plugin => plugin.allocate !== undefined),
      validating: concerned.filter(plugin => plugin.validate !== undefined),
      finishing: concerned.filter(plugin => plugin.finish !== undefined),
    }
  }
}
