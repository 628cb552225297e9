import type { UnknownObject } from '../../../kube/object.ts'
import { equalJson, isJsonObject } from '../../../kube/patch/json-value.ts'
import { apiError } from '../../../kube/status.ts'
import { apiVersionOf } from '../../../kube/resource.ts'
import { checkFields } from '../schema/check.ts'
import { messageNameOf } from '../rest/protobuf-messages.ts'
import { shapeAsGo } from '../schema/go-zeros.ts'
import type { Kind } from '../kinds/kind.ts'
import type { RequestContext } from './registry.ts'

const unreadable = (kind: Kind, why: string) =>
  apiError('BadRequest', `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`)

/** Deletes `spec.containers[0].foo` from an object; a path that does not lead anywhere is left alone. */
const deletePath = (object: unknown, path: string): void => {
  const steps = path.split(/\.|\[(\d+)\]/).filter(step => step !== undefined && step !== '')
  let at = object
  for (const step of steps.slice(0, -1)) {
    if (Array.isArray(at)) at = at[Number(step)] as unknown
    else if (isJsonObject(at)) at = at[step]
  }
  const last = steps.at(-1)
  if (last !== undefined && isJsonObject(at)) delete at[last]
}

/** The texts are refused, warned of, or kept to oneself, as the request asks. */
const report = (texts: readonly string[], kind: Kind, context: RequestContext): void => {
  if (texts.length === 0 || context.fieldValidation === 'Ignore') return
  if (context.fieldValidation === 'Strict') throw unreadable(kind, `strict decoding error: ${texts.join(', ')}`)
  for (const text of texts) context.warn(text)
}

/** Of a custom kind, which brings its own rules along. */
const checkCustom = (object: UnknownObject, kind: Kind, context: RequestContext): UnknownObject => {
  if (object.kind === undefined || object.kind === '')
    throw unreadable(kind, `Object 'Kind' is missing in '${JSON.stringify(object)}'`)
  const { findings, wrong } = kind.custom?.decode(object) ?? { findings: [] }
  if (wrong !== undefined) throw unreadable(kind, wrong)
  report([...context.decodeFindings, ...findings], kind, context)
  object.metadata ??= {}
  const { kind: _, apiVersion: __, ...rest } = object
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), ...rest }
}

/**
 * Makes sure the value is an object of the kind, as far as its schema says: a wrong type is refused, unknown fields
 * are dropped (and warned of, or refused, as the request asks). Changes the object in place.
 */
export const checkObject = (value: unknown, kind: Kind, context: RequestContext): UnknownObject => {
  const object = checkWritten(value, kind, context)
  if (kind.custom === undefined) shapeAsGo(object)
  dropRepeatedOwners(object, context)
  return object
}

/** An owner that stands twice, word for word, counts once. */
const dropRepeatedOwners = ({ metadata }: UnknownObject, context: RequestContext): void => {
  const owners = metadata?.ownerReferences ?? []
  if (metadata === undefined || owners.length < 2) return
  const kept = owners.filter((owner, i) => !owners.slice(0, i).some(other => equalJson(other, owner)))
  if (kept.length === owners.length) return
  const repeated = owners.filter(owner => !kept.includes(owner)).map(({ uid }) => uid)
  metadata.ownerReferences = kept
  context.warn(
    '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject ' +
      `such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...new Set(repeated)].join(', ')}`,
  )
}

const scheme = 'in scheme "pkg/api/legacyscheme/scheme.go:30"'

/** An object that says it is of another type is told so as upstream's decoder does. */
const refuseOthers = (object: UnknownObject, kind: Kind): void => {
  const wanted = apiVersionOf(kind)
  for (const field of ['apiVersion', 'kind'] as const)
    if (typeof (object[field] ?? '') !== 'string')
      throw unreadable(kind, `json: cannot unmarshal into Go struct field .${field} of type string`)
  const apiVersion = object.apiVersion ?? wanted
  const name = object.kind ?? kind.kind
  if ((apiVersion === wanted || apiVersion === '') && (name === kind.kind || name === '')) return
  const known = messageNameOf(apiVersion || wanted, name || kind.kind)
  const [version = ''] = apiVersion.split('/').slice(-1)
  const from = known?.split('.').slice(-2).join('.')
  const why =
    known === undefined
      ? `no kind ${JSON.stringify(name)} is registered for version ${JSON.stringify(apiVersion)} ${scheme}`
      : `converting (${from}) to (${kind.group.split('.')[0] || 'core'}.${kind.kind}): unknown conversion`
  throw apiError(
    'BadRequest',
    `${name} in version ${JSON.stringify(version)} cannot be handled as a ${kind.kind}: ${why}`,
  )
}

/** The same, with every zero as it was written: who applies an empty map owns it. */
export const checkWritten = (value: unknown, kind: Kind, context: RequestContext): UnknownObject => {
  if (!isJsonObject(value)) throw unreadable(kind, `json: cannot unmarshal into Go value of type ${kind.kind}`)
  const object = value as UnknownObject & { kind?: string | null; apiVersion?: string | null }
  for (const field of ['apiVersion', 'kind'] as const) if (object[field] === null) delete object[field]
  const apiVersion = apiVersionOf(kind)
  if (kind.custom === undefined) refuseOthers(object, kind)
  if (object.apiVersion !== undefined && object.apiVersion !== '' && object.apiVersion !== apiVersion)
    throw apiError(
      'BadRequest',
      `the API version in the data (${String(object.apiVersion)}) does not match the expected API version (${apiVersion})`,
    )
  if (object.kind !== undefined && object.kind !== '' && object.kind !== kind.kind)
    throw apiError(
      'BadRequest',
      `the kind in the data (${String(object.kind)}) does not match the expected kind (${kind.kind})`,
    )
  if (kind.custom !== undefined) return checkCustom(object, kind, context)
  const findings = checkFields(object, kind.schema)
  const wrong = findings.find(finding => finding.kind === 'type')
  if (wrong !== undefined) throw unreadable(kind, wrong.message)
  const texts = [...context.decodeFindings, ...findings.map(finding => finding.message)]
  report(texts, kind, context)
  for (const finding of findings) deletePath(object, finding.field)
  object.metadata ??= {}
  // Kind and version come first in what is stored, whatever the client sent.
  const { kind: _, apiVersion: __, ...rest } = object
  return { kind: kind.kind, apiVersion, ...rest }
}
