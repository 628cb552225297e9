import type { UnknownObject } from '../../../kube/object.ts'
import { booleanOf } from '../rest/rest-request.ts'
import { admissionRequest, admitThen } from './admit.ts'
import type { ObjectTarget, Registry, RequestContext } from './registry.ts'

type Field = 'text' | 'boolean' | 'texts' | 'numbers'

/** The options objects of core/v1 that upstream decodes from the query of a connection, by resource and subresource. */
const connections: Readonly<Record<string, { kind: string; fields: Readonly<Record<string, Field>> }>> = {
  'pods/exec': {
    kind: 'PodExecOptions',
    fields: {
      stdin: 'boolean',
      stdout: 'boolean',
      stderr: 'boolean',
      tty: 'boolean',
      container: 'text',
      command: 'texts',
    },
  },
  'pods/attach': {
    kind: 'PodAttachOptions',
    fields: { stdin: 'boolean', stdout: 'boolean', stderr: 'boolean', tty: 'boolean', container: 'text' },
  },
  'pods/portforward': { kind: 'PodPortForwardOptions', fields: { ports: 'numbers' } },
  'pods/proxy': { kind: 'PodProxyOptions', fields: { path: 'text' } },
  'services/proxy': { kind: 'ServiceProxyOptions', fields: { path: 'text' } },
  'nodes/proxy': { kind: 'NodeProxyOptions', fields: { path: 'text' } },
}

const read = (query: URLSearchParams, name: string, field: Field): unknown => {
  switch (field) {
    case 'text':
      return query.get(name) ?? undefined
    case 'boolean':
      return booleanOf(query, name) === true ? true : undefined
    case 'texts':
      return query.has(name) ? query.getAll(name) : undefined
    case 'numbers': {
      const numbers = query
        .getAll(name)
        .flatMap(text => text.split(','))
        .filter(text => /^\d+$/.test(text))
      return numbers.length > 0 ? numbers.map(Number) : undefined
    }
  }
}

/**
 * Asks admission whether a stream may be opened (operation CONNECT); what is no connection (`log`) is let through.
 * Throws the ApiError of the plugin that refuses.
 */
export const admitConnect = async (
  registry: Registry,
  target: ObjectTarget & { subresource: string },
  query: URLSearchParams,
  context: RequestContext,
): Promise<void> => {
  const { kind, namespace, name, subresource } = target
  const connection = kind.group === '' ? connections[`${kind.plural}/${subresource}`] : undefined
  if (connection === undefined) return
  const fields = Object.entries(connection.fields).flatMap(([field, type]) => {
    const value = read(query, field, type)
    return value === undefined ? [] : [[field, value] as const]
  })
  const object: UnknownObject = { kind: connection.kind, apiVersion: 'v1', ...Object.fromEntries(fields) }
  const objectKind = { group: '', version: 'v1', kind: connection.kind }
  const parts = {
    operation: 'connect',
    kind,
    subresource,
    namespace,
    name,
    object,
    old: undefined,
    objectKind,
  } as const
  await admitThen(registry, admissionRequest(parts, context), { commit: async () => {} })
}
