import type { PatchType } from '../../../kube/client/client.ts'
import { jsonSyntaxError } from '../../../kube/json-syntax.ts'
import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { apiError } from '../../../kube/status.ts'
import { findDuplicateKeys } from '../schema/duplicate-keys.ts'
import { messageOf } from '../../../kube/errors.ts'
import { type DecodedBody, unreadable } from './decoded-body.ts'
import { unrecognized } from './unrecognized.ts'

const decodeJson = (text: string): DecodedBody => {
  try {
    return { value: JSON.parse(text) as unknown, findings: findDuplicateKeys(text) }
  } catch (cause) {
    throw unreadable('JSON', cause)
  }
}

const typeMeta = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`

const goWord = (value: unknown): string => {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/**
 * A body that is to be an object: null is one without fields. What is wrong is told in the words of the decoder that
 * upstream first asks what the body is of.
 */
const decodeJsonObject = (body: Buffer, kind: string): DecodedBody => {
  const refuse = (why: string) => unrecognized(body, `couldn't get version/kind; json parse error: ${why}`, kind)
  const text = body.toString()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw refuse(jsonSyntaxError(body) ?? messageOf(cause))
  }
  if (value === null) return { value: {}, findings: [] }
  if (!isJsonObject(value)) throw refuse(`json: cannot unmarshal ${goWord(value)} into Go value of type ${typeMeta}`)
  for (const field of ['apiVersion', 'kind'])
    if (value[field] !== undefined && value[field] !== null && typeof value[field] !== 'string')
      throw refuse(`json: cannot unmarshal ${goWord(value[field])} into Go struct field .${field} of type string`)
  return { value, findings: findDuplicateKeys(text) }
}

const decodeYaml = async (text: string): Promise<DecodedBody> => {
  // kubectl sends JSON as YAML, and reading it as what it is takes a fraction of the time.
  if (text.trimStart().startsWith('{')) {
    try {
      return decodeJson(text)
    } catch {
      // flow-style YAML that is no JSON: read below
    }
  }
  // Loaded by the first who writes YAML: most clients send JSON, under either name.
  const { readYaml } = await import('./read-yaml.ts')
  return readYaml(text)
}

const mediaType = (contentType: string | undefined): string =>
  (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? ''

const unsupported = (supported: readonly string[]) =>
  apiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
  )

const bodyTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

export interface BodyOptions {
  /** What the body is where its protobuf envelope does not say. */
  expected: { apiVersion: string; kind: string }
  /** False for custom kinds, which have no message. */
  protobuf: boolean
}

/** The body of a POST, PUT or DELETE. Throws ApiError BadRequest or UnsupportedMediaType. */
export const decodeBody = async (
  body: Buffer,
  contentType: string | undefined,
  { expected, protobuf }: BodyOptions,
): Promise<DecodedBody> => {
  const media = mediaType(contentType)
  switch (media) {
    case '':
      if (contentType) throw unsupported(bodyTypes)
      return decodeJsonObject(body, expected.kind)
    case 'application/json':
      return decodeJsonObject(body, expected.kind)
    case 'application/yaml':
      return decodeYaml(body.toString())
    case 'application/vnd.kubernetes.protobuf': {
      if (!protobuf) throw unsupported(['application/json', 'application/yaml'])
      // Its tables are read by the first who writes so: most clients speak JSON.
      const { decodeProtobuf } = await import('./decode-protobuf.ts')
      return { value: decodeProtobuf(body, expected), findings: [] }
    }
    default:
      throw unsupported(bodyTypes)
  }
}

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
}

/** The body of a PATCH, whose media type says which kind of patch it is. */
export const decodePatch = async (
  body: Buffer,
  contentType: string | undefined,
): Promise<DecodedBody & { type: PatchType }> => {
  const media = mediaType(contentType)
  const type = patchTypes[media]
  if (type === undefined) throw unsupported(Object.keys(patchTypes))
  return { type, ...(type === 'apply' ? await decodeYaml(body.toString()) : decodeJson(body.toString())) }
}
