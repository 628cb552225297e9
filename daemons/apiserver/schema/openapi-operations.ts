import { groupVersionPath, subresourcesOf, verbsOf } from './endpoints.ts'
import { isDefinition } from './schema-row.ts'
import type { Kind } from '../kinds/kind.ts'
import type { GroupVersionKind } from './endpoints.ts'

export interface Parameter {
  name: string
  in: 'query' | 'path'
  type: 'string' | 'integer' | 'boolean'
  description: string
}

export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch'

/** One operation of the API, free of any OpenAPI dialect. */
export interface Operation {
  path: string
  method: Method
  /** x-kubernetes-action */
  action: string
  operationId: string
  tag: string
  description: string
  gvk: GroupVersionKind
  parameters: readonly Parameter[]
  /** Media types and definition of the body. */
  body?: { types: readonly string[]; definition: string; required: boolean }
  /** Definition of the answer; undefined: text or a stream. */
  response: string | undefined
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  in: 'query',
  type,
  description,
})
const pretty = query('pretty', 'string', "If 'true', the answer is indented.")
const dryRun = query(
  'dryRun',
  'string',
  "'All': every step of the request is carried out but the last, nothing is stored.",
)
const fieldManager = query('fieldManager', 'string', 'The name under which the changed fields are recorded.')
const fieldValidation = query(
  'fieldValidation',
  'string',
  'What becomes of unknown or duplicate fields: Ignore, Warn (the default) or Strict.',
)
const force = query('force', 'boolean', 'For apply: takes over fields that other managers own.')
const listParameters = [
  query('labelSelector', 'string', 'Only objects whose labels match.'),
  query('fieldSelector', 'string', 'Only objects whose fields match.'),
  query('limit', 'integer', 'At most so many objects; the answer says how to go on.'),
  query('continue', 'string', 'Goes on where an answer with a limit ended.'),
  query('resourceVersion', 'string', 'How old the answer may be, or where a watch starts.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('sendInitialEvents', 'boolean', 'A watch begins with the objects there are, and says when they were all sent.'),
  query('timeoutSeconds', 'integer', 'Ends the call after so many seconds.'),
]
const watchParameters = [
  query('watch', 'boolean', 'Sends changes as they happen.'),
  query('allowWatchBookmarks', 'boolean', 'A watch may hold events that carry nothing but a resourceVersion.'),
]
const deleteParameters = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'How long the object may take to end.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
]
const writeParameters = [dryRun, fieldManager, fieldValidation]
const nameParameter: Parameter = { name: 'name', in: 'path', type: 'string', description: 'The name of the object.' }
const namespaceParameter: Parameter = {
  name: 'namespace',
  in: 'path',
  type: 'string',
  description: 'The namespace of the object.',
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** `CoreV1`, `RbacAuthorizationV1`: the group as operation ids and tags have it. */
const groupWords = ({ group, version }: Kind): string => {
  const words = group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split('.')
  return `${words.map(capital).join('')}${capital(version)}`
}

const tagOf = ({ group, version }: Kind): string =>
  `${group === '' ? 'core' : group.replace(/\.k8s\.io$/, '').replace(/\.(.)/g, (_, c: string) => c.toUpperCase())}_${version}`

interface Spec {
  method: Method
  action: string
  /** The verb in the operation id: `read`, `replace`, … */
  word: string
  parameters: readonly Parameter[]
  body?: NonNullable<Operation['body']>
  response: string | undefined
  description: string
}

const bodyOf = (definition: string, required = true): NonNullable<Operation['body']> => ({
  types: ['*/*'],
  definition,
  required,
})
const patchBody = { types: patchTypes, definition: `${meta}.Patch`, required: true }

const write = (definition: string): Pick<Spec, 'parameters' | 'body' | 'response'> => ({
  parameters: writeParameters,
  body: bodyOf(definition),
  response: definition,
})

const read = (definition: string | undefined, what: string): Spec => ({
  method: 'get',
  action: 'get',
  word: 'read',
  parameters: [],
  response: definition,
  description: `read ${what}`,
})
const replace = (definition: string, what: string): Spec => ({
  method: 'put',
  action: 'put',
  word: 'replace',
  ...write(definition),
  description: `replace ${what}`,
})
const patch = (definition: string, what: string): Spec => ({
  method: 'patch',
  action: 'patch',
  word: 'patch',
  parameters: [...writeParameters, force],
  body: patchBody,
  response: definition,
  description: `change ${what} in part`,
})

const collectionSpecs = (kind: Kind): Spec[] => {
  const list = kind.custom !== undefined || isDefinition(`${kind.schema}List`) ? `${kind.schema}List` : undefined
  const words = `objects of kind ${kind.kind}`
  const create: Spec = {
    method: 'post',
    action: 'post',
    word: 'create',
    ...write(kind.schema),
    description: `create ${kind.kind}`,
  }
  const verbs = verbsOf(kind)
  const reading: Spec = {
    method: 'get',
    action: 'list',
    word: 'list',
    parameters: [...watchParameters, ...listParameters],
    response: list,
    description: `list or watch ${words}`,
  }
  return [
    ...(verbs.includes('list') ? [reading] : []),
    ...(verbs.includes('create') ? [create] : []),
    ...(verbs.includes('deletecollection')
      ? [
          {
            method: 'delete' as const,
            action: 'deletecollection',
            word: 'deletecollection',
            parameters: [...listParameters, ...deleteParameters],
            body: bodyOf(`${meta}.DeleteOptions`, false),
            response: `${meta}.Status`,
            description: `delete ${words}`,
          },
        ]
      : []),
  ]
}

const itemSpecs = (kind: Kind): Spec[] =>
  kind.computed === undefined ? [read(kind.schema, kind.kind), ...itemWrites(kind)] : [read(kind.schema, kind.kind)]

const itemWrites = (kind: Kind): Spec[] => [
  replace(kind.schema, kind.kind),
  patch(kind.schema, kind.kind),
  {
    method: 'delete',
    action: 'delete',
    word: 'delete',
    parameters: deleteParameters,
    body: bodyOf(`${meta}.DeleteOptions`, false),
    response: `${meta}.Status`,
    description: `delete ${kind.kind}`,
  },
]

const connect = (method: Method, what: string): Spec => ({
  method,
  action: 'connect',
  word: `connect${capital(method)}`,
  parameters: [],
  response: undefined,
  description: `open ${what}`,
})

const subresourceSpecs = (row: ReturnType<typeof subresourcesOf>[number]): Spec[] => {
  const what = `the ${row.name}`
  const { schema } = row
  if (schema === undefined)
    return row.name === 'log' ? [read(undefined, what)] : [connect('get', what), connect('post', what)]
  return row.verbs.flatMap((verb): Spec[] => {
    switch (verb) {
      case 'get':
        return [read(schema, what)]
      case 'update':
        return [replace(schema, what)]
      case 'patch':
        return [patch(schema, what)]
      case 'create':
        return [{ method: 'post', action: 'post', word: 'create', ...write(schema), description: `create ${what}` }]
      default:
        return []
    }
  })
}

/** Custom kinds know no strategic merge; kubectl looks here before it sends one. */
const customPatch = (kind: Kind, body: Operation['body']): Pick<Operation, 'body'> =>
  kind.custom === undefined || body === undefined
    ? {}
    : { body: { ...body, types: body.types.filter(type => type !== 'application/strategic-merge-patch+json') } }

/** Every operation on a kind, in the order of its paths. */
export const operationsOf = (kind: Kind): Operation[] => {
  const root = groupVersionPath(kind)
  const scope = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`
  const common = kind.namespaced ? [namespaceParameter, pretty] : [pretty]
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind }
  const object = `${kind.namespaced ? 'Namespaced' : ''}${kind.kind}`
  const make = (
    path: string,
    spec: Spec,
    rest: { gvk: GroupVersionKind; suffix: string; path: readonly Parameter[] },
  ) => {
    const { word, parameters, ...others } = spec
    const [verb, noun] = word === 'deletecollection' ? ['delete', `Collection${object}`] : [word, object]
    const operationId = `${verb}${groupWords(kind)}${noun}${rest.suffix}`
    return {
      ...others,
      ...customPatch(kind, others.body),
      path,
      operationId,
      tag: tagOf(kind),
      gvk: rest.gvk,
      parameters: [...rest.path, ...parameters],
    }
  }
  const operations: Operation[] = collectionSpecs(kind).map(spec =>
    make(scope, spec, { gvk, suffix: '', path: common }),
  )
  const list = collectionSpecs(kind).find(({ action }) => action === 'list')
  if (kind.namespaced && list !== undefined) {
    const everywhere = make(`${root}/${kind.plural}`, list, { gvk, suffix: '', path: [pretty] })
    operations.push({ ...everywhere, operationId: `list${groupWords(kind)}${kind.kind}ForAllNamespaces` })
  }
  if (!verbsOf(kind).includes('get')) return operations
  const item = [nameParameter, ...common]
  operations.push(...itemSpecs(kind).map(spec => make(`${scope}/{name}`, spec, { gvk, suffix: '', path: item })))
  for (const row of subresourcesOf(kind)) {
    const rest = { gvk: row.gvk, suffix: capital(row.name), path: item }
    operations.push(...subresourceSpecs(row).map(spec => make(`${scope}/{name}/${row.name}`, spec, rest)))
  }
  return operations
}
