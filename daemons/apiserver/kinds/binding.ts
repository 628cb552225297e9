import type { Kind } from './kind.ts'

/** The older way to put a pod on a node: the name in the body says which pod. */
export const bindingKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  singular: 'binding',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Binding',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  orders: 'binding',
  columns: [],
}
