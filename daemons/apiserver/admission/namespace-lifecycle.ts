import { forbidden, notFound } from '../registry/api-errors.ts'
import type { AdmissionPlugin, AdmissionReader } from './plugin.ts'

/** Upstream's immortal namespaces. */
const immortal = new Set(['default', 'kube-system', 'kube-public'])

const namespaceRow = { group: '', plural: 'namespaces', kind: 'Namespace' }

const phaseOf = (reader: AdmissionReader, name: string): 'absent' | 'active' | 'terminating' => {
  const namespace = reader.get('', 'namespaces', '', name)
  if (namespace === undefined) return 'absent'
  return namespace.metadata?.deletionTimestamp === undefined ? 'active' : 'terminating'
}

/** Nothing is created in a namespace that is not there or goes away, and some namespaces never go. */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  handles: ({ operation, kind }) =>
    operation === 'delete'
      ? kind.group === '' && kind.plural === 'namespaces'
      : operation === 'create' && kind.namespaced,
  admit: ({ operation, kind, namespace, name, object }, reader) => {
    if (operation === 'delete') {
      if (immortal.has(name)) throw forbidden(kind, name, 'this namespace may not be deleted')
      return
    }
    const phase = phaseOf(reader, namespace)
    if (phase === 'absent') throw notFound(namespaceRow, namespace)
    if (phase === 'terminating')
      throw forbidden(
        kind,
        object?.metadata?.name ?? name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
        [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      )
  },
}
