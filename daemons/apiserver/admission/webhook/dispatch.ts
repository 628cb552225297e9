import { randomUUID } from 'node:crypto'
import { ApiError } from '../../../../kube/status.ts'
import { messageOf } from '../../../../kube/errors.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { equalJson, isJsonObject } from '../../../../kube/patch/json-value.ts'
import { applyJsonPatch } from '../../../../kube/patch/json-patch.ts'
import { forbidden } from '../../registry/api-errors.ts'
import { checkObject } from '../../registry/check-object.ts'
import type { AdmissionHost, AdmissionRequest, Reinvocation } from '../plugin.ts'
import { answerOf, reviewOf, type ReviewAnswer, type ShownRequest } from './admission-review.ts'
import { conditionsHold } from './match-conditions.ts'
import { convert, rowFor, selectorsMatch } from './match-webhook.ts'
import type { WebhookClient } from './webhook-client.ts'
import { dryRunUnsupported, internalError, rejectionOf, WebhookCallError, WebhookRejection } from './webhook-errors.ts'
import type { CallOutcome, WebhookMetrics } from './webhook-metrics.ts'
import type { Webhook } from './webhook.ts'

/** What calls are made with. */
export interface Caller {
  client: WebhookClient
  metrics: WebhookMetrics
  host: AdmissionHost
}

/** The request as this webhook is to see it; undefined: it is not concerned. Throws the ApiError of a request that cannot be matched. */
const shownTo = async (
  webhook: Webhook,
  request: AdmissionRequest,
  host: AdmissionHost,
): Promise<ShownRequest | undefined> => {
  const row = rowFor(webhook, request, host)
  if (row === undefined) return undefined
  const selected = selectorsMatch(webhook, request, host)
  if (selected === false) return undefined
  if (selected !== true) throw selected
  const { kind, objectKind } = request
  const shape = async (object: UnknownObject | undefined) =>
    object === undefined || objectKind !== undefined || row === kind ? object : convert(object, kind, row)
  const shown = { request, row, object: await shape(request.object), old: await shape(request.old) }
  if (webhook.matchConditions.length === 0) return shown
  try {
    return (await conditionsHold(webhook, shown, host)) ? shown : undefined
  } catch (error) {
    throw forbidden(kind, request.name, messageOf(error))
  }
}

const quietSideEffects = new Set(['None', 'NoneOnDryRun'])

const ask = async (webhook: Webhook, shown: ShownRequest, { client, host }: Caller): Promise<ReviewAnswer> => {
  const { name, type, sideEffects } = webhook
  if (shown.request.dryRun && !quietSideEffects.has(sideEffects)) throw dryRunUnsupported(name)
  const uid = randomUUID()
  const review = await client.ask(webhook, reviewOf(uid, shown, type), host.reader)
  try {
    return answerOf(review, uid, type)
  } catch (error) {
    throw new WebhookCallError(name, `received invalid webhook response: ${messageOf(error)}`, { cause: error })
  }
}

/** Hands on what the webhook has to say besides yes or no; throws WebhookRejection where it says no. */
const heed = ({ name }: Webhook, { request }: ShownRequest, answer: ReviewAnswer): void => {
  for (const [key, value] of Object.entries(answer.auditAnnotations)) request.annotate(`${name}/${key}`, value)
  for (const text of answer.warnings) request.warn(text)
  if (!answer.allowed) throw rejectionOf(name, answer.status)
}

/** The object with the webhook's patch, checked and defaulted as a body is; undefined: nothing has changed. Throws ApiError. */
const patched = async ({ name }: Webhook, shown: ShownRequest, patch: unknown): Promise<UnknownObject | undefined> => {
  const { request, row, object } = shown
  if (patch === undefined || (Array.isArray(patch) && patch.length === 0)) return undefined
  if (object === undefined)
    throw internalError(
      `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`,
    )
  try {
    const next = applyJsonPatch(object, patch)
    if (!isJsonObject(next)) throw new Error('the patched value is no object')
    if (request.objectKind !== undefined) return equalJson(next, object) ? undefined : (next as UnknownObject)
    const context = { user: request.user, dryRun: request.dryRun, fieldManager: '', decodeFindings: [], warn: () => {} }
    const checked = checkObject(next, row, { ...context, fieldValidation: 'Ignore' })
    row.setDefaults?.(checked)
    return equalJson(checked, object) ? undefined : await convert(checked, row, request.kind)
  } catch (error) {
    const causes = error instanceof ApiError ? error.status.details?.causes : undefined
    throw internalError(causes?.[0]?.message ?? messageOf(error))
  }
}

/** Tells the metrics how a call ended. Throws what its failure means for the request; returns where it may go on. */
const settle = (webhook: Webhook, request: AdmissionRequest, { metrics }: Caller, call: Call): void => {
  const tell = (outcome: Omit<CallOutcome, 'seconds'>) =>
    metrics.observe(webhook, request, { seconds: (performance.now() - call.started) / 1000, ...outcome })
  const { error } = call
  if (error === undefined) return tell({ rejected: false })
  if (error instanceof WebhookRejection) {
    tell({ rejected: true, errorType: 'no_error', code: error.answer.code })
    throw error.answer
  }
  if (!(error instanceof WebhookCallError)) {
    tell({ rejected: true, errorType: 'apiserver_internal_error', code: error instanceof ApiError ? error.code : 500 })
    throw error
  }
  const { ignoresFailure } = webhook
  tell({ rejected: !ignoresFailure, errorType: 'calling_webhook_error', code: error.code, failedOpen: ignoresFailure })
  if (!ignoresFailure) throw internalError(error)
}

interface Call {
  started: number
  error?: unknown
}

/** Asks one webhook, and gives its answer; undefined: it could not be asked, and its policy lets the request go on. */
const call = async (webhook: Webhook, shown: ShownRequest, caller: Caller): Promise<UnknownObject | undefined> => {
  const started = performance.now()
  try {
    const answer = await ask(webhook, shown, caller)
    heed(webhook, shown, answer)
    const next = await patched(webhook, shown, answer.patch)
    settle(webhook, shown.request, caller, { started })
    return next
  } catch (error) {
    settle(webhook, shown.request, caller, { started, error })
    return undefined
  }
}

const reinvocationOf = (request: AdmissionRequest): Reinvocation =>
  (request.reinvocation ??= { round: 1, due: false, seen: new Set(), owed: new Set(), output: undefined })

/** Whoever saw the object before this change, and asked to see it after one, is owed another look. */
const requireAnotherLook = (state: Reinvocation): void => {
  for (const id of state.seen) state.owed.add(id)
  state.seen.clear()
}

/** The mutating webhooks, one after another: each sees what those before it made of the object. Throws ApiError. */
export const dispatchMutating = async (
  webhooks: readonly Webhook[],
  request: AdmissionRequest,
  caller: Caller,
): Promise<void> => {
  const state = reinvocationOf(request)
  if (state.round === 2 && !equalJson(state.output, request.object)) requireAnotherLook(state)
  for (const [index, webhook] of webhooks.entries()) {
    if (state.round === 2 && !state.owed.has(webhook.id)) continue
    const shown = await shownTo(webhook, request, caller.host)
    if (shown === undefined) continue
    const next = await call(webhook, shown, caller)
    const annotation = { configuration: webhook.configuration, webhook: webhook.name, mutated: next !== undefined }
    const key = `mutation.webhook.admission.k8s.io/round_${state.round - 1}_index_${index}`
    request.annotate(key, JSON.stringify(annotation))
    if (next !== undefined) {
      request.object = next
      requireAnotherLook(state)
      state.due = true
    }
    if (webhook.reinvoked) state.seen.add(webhook.id)
  }
  state.output = structuredClone(request.object)
}

/** The validating webhooks, all at once; of several refusals the first by order is told. Throws ApiError. */
export const dispatchValidating = async (
  webhooks: readonly Webhook[],
  request: AdmissionRequest,
  caller: Caller,
): Promise<void> => {
  const results = await Promise.allSettled(
    webhooks.map(async webhook => {
      const shown = await shownTo(webhook, request, caller.host)
      if (shown !== undefined) await call(webhook, shown, caller)
    }),
  )
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
