import { randomUUID } from 'node:crypto'
import type { UnknownObject } from '../../../kube/object.ts'
import { cloneJson, equalJson, isJsonObject } from '../../../kube/patch/json-value.ts'
import { messageOf } from '../../../kube/errors.ts'
import { apiError, type ApiError } from '../../../kube/status.ts'
import type { Conversion, WebhookClientConfig } from './definition.ts'

/** Objects of one version as another one: new objects, the given ones stay as they are. Rejects with ApiError. */
export interface Converter {
  readonly isRemote: boolean
  convert(objects: readonly UnknownObject[], apiVersion: string): UnknownObject[] | Promise<UnknownObject[]>
}

/** Posts a ConversionReview; the answer as it came, parsed. Rejects with what a person is to be told. */
export type AskWebhook = (config: WebhookClientConfig, review: object) => Promise<unknown>

/** Strategy None: the versions are the same but for their name. */
export const renamingConverter: Converter = {
  isRemote: false,
  convert: (objects, apiVersion) => objects.map(object => ({ ...cloneJson(object), apiVersion })),
}

const gvkText = ({ apiVersion = '', kind = '' }: UnknownObject): string => {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return `${group}/${version}, Kind=${kind}`
}

const failure = (object: UnknownObject | undefined, why: string): ApiError =>
  apiError('InternalError', `conversion webhook for ${gvkText(object ?? {})} failed: ${why}`)

const reviewVersions = ['v1', 'v1beta1']

/** What the webhook gave back for the request. Throws Error in upstream's words. */
const objectsIn = (answer: unknown, expected: { uid: string; version: string }): unknown[] => {
  if (!isJsonObject(answer)) throw new Error('no response provided')
  if (expected.version === 'v1') {
    const { apiVersion, kind } = answer
    if (apiVersion !== 'apiextensions.k8s.io/v1' || kind !== 'ConversionReview')
      throw new Error(
        `expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got ${gvkText(answer as UnknownObject)}`,
      )
  }
  const { response } = answer
  if (!isJsonObject(response)) throw new Error('no response provided')
  if (expected.version === 'v1' && response['uid'] !== expected.uid)
    throw new Error(
      `expected response.uid=${JSON.stringify(expected.uid)}, got ${JSON.stringify(response['uid'] ?? '')}`,
    )
  const result = isJsonObject(response['result']) ? response['result'] : {}
  if (result['status'] !== 'Success') {
    const { message, status = '' } = result
    if (typeof message === 'string' && message !== '') throw new Error(message)
    throw new Error(`response.result.status was '${String(status)}', not 'Success'`)
  }
  return Array.isArray(response['convertedObjects']) ? response['convertedObjects'] : []
}

const kept = ['name', 'namespace', 'uid'] as const

/** A webhook may change the labels and annotations; the rest of the metadata stays what it was. Throws Error. */
const restore = (converted: unknown, original: UnknownObject, apiVersion: string): UnknownObject => {
  if (!isJsonObject(converted)) throw new Error('it is no object')
  const object = converted as UnknownObject
  if (object.apiVersion !== apiVersion)
    throw new Error(`invalid groupVersion (expected ${apiVersion}, received ${String(object.apiVersion ?? '')})`)
  if (object.kind !== original.kind)
    throw new Error(`invalid kind (expected ${String(original.kind)}, received ${String(object.kind ?? '')})`)
  const { metadata } = object as { metadata?: unknown }
  if (!isJsonObject(metadata)) throw new Error('metadata: Required value')
  const before = original.metadata ?? {}
  for (const field of kept)
    if (metadata[field] !== undefined && !equalJson(metadata[field], before[field]))
      throw new Error(`metadata.${field}: must not be changed`)
  const { labels: _, annotations: __, ...rest } = before
  const texts = (field: 'labels' | 'annotations'): object => {
    const value = metadata[field]
    if (value === undefined || value === null) return {}
    if (!isJsonObject(value) || Object.values(value).some(text => typeof text !== 'string'))
      throw new Error(`metadata.${field}: must be a map of strings`)
    return { [field]: value }
  }
  return { ...object, metadata: { ...rest, ...texts('labels'), ...texts('annotations') } }
}

/** Strategy Webhook: every object is sent to a service that knows both versions, all of a list in one request. */
export const webhookConverter = (conversion: Conversion, ask: AskWebhook): Converter => {
  const { clientConfig = {}, conversionReviewVersions = [] } = conversion.webhook ?? {}
  const version = conversionReviewVersions.find(offered => reviewVersions.includes(offered))
  return {
    isRemote: true,
    convert: async (objects, apiVersion) => {
      const [first] = objects
      if (first === undefined) return []
      if (version === undefined) throw failure(first, 'no supported conversion review versions')
      const uid = randomUUID()
      const review = {
        kind: 'ConversionReview',
        apiVersion: `apiextensions.k8s.io/${version}`,
        request: { uid, desiredAPIVersion: apiVersion, objects },
      }
      let converted: unknown[]
      try {
        converted = objectsIn(await ask(clientConfig, review), { uid, version })
      } catch (error) {
        throw failure(first, messageOf(error))
      }
      if (converted.length !== objects.length)
        throw apiError(
          'InternalError',
          `conversion webhook for ${gvkText(first)} returned ${converted.length} objects, expected ${objects.length}`,
        )
      return objects.map((original, index) => {
        try {
          return restore(converted[index], original, apiVersion)
        } catch (error) {
          throw apiError(
            'InternalError',
            `conversion webhook for ${gvkText(first)} returned invalid converted object at index ${index}: ${messageOf(error)}`,
          )
        }
      })
    },
  }
}
