import type { UnknownObject } from '../../../../kube/object.ts'
import { matchesLabels } from '../../../../kube/selectors.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { AdmissionHost, AdmissionRequest } from '../plugin.ts'
import type { Binding, ParamRef, Policy } from './policy.ts'

const kindOf = ({ apiVersion, kind }: NonNullable<Policy['paramKind']>, { kinds }: AdmissionHost): Kind => {
  const slash = apiVersion.indexOf('/')
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
  const found = [...kinds].find(row => row.group === group && row.version === version && row.kind === kind)
  if (found !== undefined) return found
  const shown = `${group === '' ? '' : `${group}/`}${version}, Kind=${kind}`
  throw new Error(`failed to find resource referenced by paramKind: '${shown}'`)
}

const namespaceFor = (row: Kind, ref: ParamRef, request: AdmissionRequest): string => {
  if (!row.namespaced) {
    if (ref.namespace !== '')
      throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
    return ''
  }
  const namespace = ref.namespace === '' ? request.namespace : ref.namespace
  if (namespace === '')
    throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  return namespace
}

/**
 * The parameters a binding gives its policy, one evaluation each; `null` stands for none. Throws Error, in upstream's
 * words, where they cannot be found and the binding does not let that pass.
 */
export const collectParams = (
  { paramKind }: Policy,
  { paramRef: ref }: Binding,
  { request, host }: { request: AdmissionRequest; host: AdmissionHost },
): (UnknownObject | null)[] => {
  if (paramKind === undefined || ref === undefined) return [null]
  const row = kindOf(paramKind, host)
  const namespace = namespaceFor(row, ref, request)
  const { group, plural } = row.storedAs ?? row
  const found = ref.name === '' ? undefined : host.reader.get(group, plural, namespace, ref.name)
  const listed =
    ref.name === '' && ref.selector !== undefined
      ? host.reader
          .list(group, plural, namespace)
          .filter(({ metadata }) => matchesLabels(ref.selector ?? [], metadata?.labels))
      : []
  const params = found === undefined ? listed : [found]
  if (params.length === 0 && ref.notFound === 'Deny')
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction')
  const { apiVersion, kind } = paramKind
  return params.map(object => ({ ...object, apiVersion, kind }))
}
