import type { Pod } from 'kubernetes-types/core/v1.js'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from 'kubernetes-types/policy/v1.js'
import { withDisruptionAllowed } from '../../../kube/disruption-budget.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { cloneJson } from '../../../kube/patch/json-value.ts'
import { ApiError, apiError, hasReason } from '../../../kube/status.ts'
import { draftOf } from '../kinds/draft.ts'
import type { Draft } from '../kinds/draft.ts'
import { isEmptySelector, selectorMatches } from '../kinds/selector-validation.ts'
import { admitThen } from './admit.ts'
import { forbidden, notFound } from './api-errors.ts'
import { deleteObject, type DeleteRequest } from './delete-object.ts'
import { actionRequest, checkedBody } from './pod-actions.ts'
import type { ObjectTarget, Registry, RequestContext } from './registry.ts'
import { mutate } from './update-object.ts'

const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction' }
const budgetRow = { group: 'policy', plural: 'poddisruptionbudget', kind: 'PodDisruptionBudget' }
const refusal = "Cannot evict pod as it would violate the pod's disruption budget."
/** So many evictions that the controller has not seen yet are too many. */
const maxDisruptedPods = 2000
const attempts = 20

type PodDraft = Draft<Pod>
type Budget = Draft<PodDisruptionBudget>

/** What an eviction works on. */
interface Eviction {
  registry: Registry
  target: ObjectTarget
  options: DeleteRequest
  context: RequestContext
}

const tooManyRequests = (message: string, retryAfterSeconds?: number): ApiError =>
  apiError('TooManyRequests', refusal, {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })

const stillProcessed = (name: string): ApiError =>
  tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10)

const isOver = ({ metadata, status }: PodDraft): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed' || Boolean(metadata?.deletionTimestamp)

const isReady = ({ status }: PodDraft): boolean =>
  (status?.conditions ?? []).some(condition => condition.type === 'Ready' && condition.status === 'True')

/** An empty selector is for every pod, a missing one for none (policy/v1). */
const budgetsOf = ({ registry, target }: Eviction, pod: PodDraft): Budget[] =>
  registry.reader
    .list('policy', 'poddisruptionbudgets', target.namespace)
    .map(object => draftOf<PodDisruptionBudget>(object))
    .filter(({ spec }) => {
      const selector = spec?.selector
      if (!selector) return false
      return isEmptySelector(selector) || selectorMatches(selector, pod.metadata?.labels ?? {})
    })

/** Whether an unready pod, which counts for nothing, may go without being counted. */
const skipsBudget = (pod: PodDraft, { spec, status }: Budget): boolean => {
  if (isReady(pod)) return false
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {}
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

/** The budget's status after one more pod is gone. Throws ApiError TooManyRequests or Forbidden. */
const spend = (live: UnknownObject, podName: string, now: string): PodDisruptionBudgetStatus => {
  const { metadata, status = {} } = draftOf<PodDisruptionBudget>(live)
  const name = metadata?.name ?? ''
  const { disruptionsAllowed = 0, disruptedPods = {}, currentHealthy = 0, desiredHealthy = 0 } = status
  if ((status.observedGeneration ?? 0) < (metadata?.generation ?? 0)) throw stillProcessed(name)
  if (disruptionsAllowed < 0) throw forbidden(budgetRow, name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > maxDisruptedPods)
    throw forbidden(budgetRow, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (disruptionsAllowed === 0)
    throw tooManyRequests(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    )
  const next = {
    ...(status as PodDisruptionBudgetStatus),
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...(disruptedPods as Record<string, string>), [podName]: now },
  }
  return next.disruptionsAllowed === 0 ? { ...next, conditions: withDisruptionAllowed(next, now) } : next
}

const spendBudget = async ({ registry, target, context }: Eviction, budget: Budget): Promise<void> => {
  const kind = registry.kind('policy', 'v1', 'poddisruptionbudgets')
  if (kind === undefined) return
  const where = { kind, namespace: target.namespace, name: budget.metadata?.name ?? '' }
  const change = (live: UnknownObject): UnknownObject => ({
    ...cloneJson(live),
    status: spend(live, target.name, registry.now()) as unknown,
  })
  // The server's own bookkeeping: admission has seen the eviction.
  await mutate(
    registry,
    where,
    { subresource: 'status', change },
    {
      ...context,
      admitted: true,
      fieldManager: 'kube-apiserver',
    },
  )
}

/** Says in the pod why it goes, for whoever counts its failures. */
const markDisrupted = async ({ registry, target, options, context }: Eviction): Promise<string> => {
  const now = registry.now()
  const version = options.preconditions?.resourceVersion
  const change = (live: UnknownObject): UnknownObject => {
    const next = cloneJson(live)
    const { status = {} } = draftOf<Pod>(next)
    const conditions = (status.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget')
    const reason = { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }
    next['status'] = {
      ...status,
      conditions: [...conditions, { type: 'DisruptionTarget', status: 'True', lastTransitionTime: now, ...reason }],
    }
    if (version !== undefined) next.metadata = { ...next.metadata, resourceVersion: version }
    return next
  }
  const marked = await mutate(
    registry,
    target,
    { subresource: 'status', change },
    {
      ...context,
      admitted: true,
      fieldManager: 'kube-apiserver',
    },
  )
  return marked.object.metadata?.resourceVersion ?? ''
}

const remove = async (eviction: Eviction, resourceVersion?: string): Promise<void> => {
  const { registry, target, context } = eviction
  let preconditions = eviction.options.preconditions
  if (resourceVersion !== undefined && preconditions?.resourceVersion === undefined)
    preconditions = { ...preconditions, resourceVersion }
  let options: DeleteRequest = { ...eviction.options, preconditions }
  if (!context.dryRun) {
    const marked = await markDisrupted({ ...eviction, options })
    if (preconditions?.resourceVersion !== undefined)
      options = { ...options, preconditions: { ...preconditions, resourceVersion: marked } }
  }
  await deleteObject(registry, target, options, { ...context, admitted: true })
}

const podOf = ({ registry, target }: Eviction): UnknownObject => {
  const { kind, namespace, name } = target
  const pod = registry.reader.get(kind.group, kind.plural, namespace, name)
  if (pod === undefined) throw notFound(kind, name)
  return pod
}

/** A pod that is over, or has not begun, disrupts nothing by its going. */
const removeUncounted = async (eviction: Eviction, pod: UnknownObject): Promise<void> => {
  const version = isOver(draftOf<Pod>(pod)) ? undefined : pod.metadata?.resourceVersion
  await remove(eviction, version)
}

const removeCounted = async (eviction: Eviction, live: UnknownObject): Promise<void> => {
  const pod = draftOf<Pod>(live)
  const [budget, ...others] = budgetsOf(eviction, pod)
  if (others.length > 0)
    throw new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      code: 500,
    })
  if (budget === undefined) return remove(eviction)
  if (!skipsBudget(pod, budget)) {
    await spendBudget(eviction, budget)
    return remove(eviction)
  }
  const asked = eviction.options.preconditions?.resourceVersion
  try {
    await remove(eviction, live.metadata?.resourceVersion)
  } catch (error) {
    // It may have become ready meanwhile: then it counts.
    if (asked === undefined && hasReason(error, 'Conflict')) throw stillProcessed(budget.metadata?.name ?? '')
    throw error
  }
}

const evict = async (eviction: Eviction): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const pod = podOf(eviction)
    const { status } = draftOf<Pod>(pod)
    if (!isOver(draftOf<Pod>(pod)) && status?.phase !== 'Pending') return removeCounted(eviction, pod)
    try {
      return await removeUncounted(eviction, pod)
    } catch (error) {
      const mayRetry = eviction.options.preconditions?.resourceVersion === undefined && attempt < attempts
      if (!mayRetry || !hasReason(error, 'Conflict')) throw error
    }
  }
}

/**
 * POST pods/NAME/eviction: a delete that a PodDisruptionBudget can refuse (429, with the cause DisruptionBudget).
 * Throws ApiError.
 */
export const evictPod = async (
  registry: Registry,
  target: ObjectTarget,
  body: unknown,
  context: RequestContext,
): Promise<void> => {
  const eviction = checkedBody(body, 'io.k8s.api.policy.v1.Eviction')
  const name = eviction.metadata?.name
  if (name !== undefined && name !== '' && name !== target.name)
    throw apiError('BadRequest', `name in URL does not match name in Eviction object`)
  const options = (eviction['deleteOptions'] ?? {}) as DeleteRequest & { dryRun?: string[] }
  const full = { ...context, dryRun: context.dryRun || (options.dryRun ?? []).includes('All') }
  const request = actionRequest(target, { subresource: 'eviction', object: eviction, objectKind: evictionKind }, full)
  await admitThen(registry, request, { commit: () => evict({ registry, target, options, context: full }) })
}
