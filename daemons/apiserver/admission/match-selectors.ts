import { apiError, type ApiError } from '../../../kube/status.ts'
import { type LabelSelector, matchesLabels } from '../../../kube/selectors.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import type { AdmissionReader, AdmissionRequest } from './plugin.ts'

const isNamespace = ({ kind }: AdmissionRequest): boolean => kind.group === '' && kind.plural === 'namespaces'

/** The namespace a request is told with: that of the object; of a Namespace, its own name. */
export const namespaceOf = (request: AdmissionRequest): string =>
  isNamespace(request) ? request.name : request.namespace

/** The Namespace of the request as it will be, undefined where it is in none, the refusal where it is not there. */
export const requestNamespace = (
  request: AdmissionRequest,
  reader: AdmissionReader,
): UnknownObject | undefined | ApiError => {
  const { operation, object, subresource } = request
  const name = namespaceOf(request)
  if (name === '') return undefined
  const written = isNamespace(request) && subresource === '' && (operation === 'create' || operation === 'update')
  const found = written ? object : reader.get('', 'namespaces', '', name)
  return found ?? apiError('NotFound', `namespaces ${JSON.stringify(name)} not found`, { name, kind: 'namespaces' })
}

/** Whether the labels of the request's namespace fit; what belongs to the cluster always does. An ApiError: there is none. */
export const namespaceMatches = (
  selector: LabelSelector,
  request: AdmissionRequest,
  reader: AdmissionReader,
): boolean | ApiError => {
  if (selector.length === 0) return true
  const namespace = requestNamespace(request, reader)
  if (namespace === undefined) return true
  return namespace instanceof Error ? namespace : matchesLabels(selector, namespace.metadata?.labels)
}

/** Whether the object fits, as it was or as it is to be; the options of a stream are no object with labels. */
export const objectMatches = (selector: LabelSelector, { object, old }: AdmissionRequest): boolean => {
  if (selector.length === 0) return true
  return [object, old].some(one => one?.metadata !== undefined && matchesLabels(selector, one.metadata.labels))
}
