import type { Pod } from 'kubernetes-types/core/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import type { KubeObject, OwnerReference } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { deployments, podDisruptionBudgets, pods, replicaSets } from '../../../kube/resources.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import { hasReason } from '../../../kube/status.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { controllerOf } from '../owner.ts'
import { applyWrite, updateWrite } from '../write.ts'
import { failedStatus, needsScale, planDisruption, type ExpectedScale } from './disruption-plan.ts'

/** Kinds with a scale whose pods may be counted; Deployments are found behind their ReplicaSets. */
const scalable: Readonly<Record<string, Resource<KubeObject>>> = {
  StatefulSet: { group: 'apps', version: 'v1', kind: 'StatefulSet', plural: 'statefulsets', namespaced: true },
  ReplicationController: {
    group: '',
    version: 'v1',
    kind: 'ReplicationController',
    plural: 'replicationcontrollers',
    namespaced: true,
  },
}

const replicasOf = (object: KubeObject): number => (object as { spec?: { replicas?: number } }).spec?.replicas ?? 1

interface Scale {
  uid: string
  replicas: number
}

/** What a pod's controller wants; undefined: it is gone or of another uid. */
const scaleOf = async (
  { informers, client, signal }: ControllerContext,
  owner: OwnerReference,
  namespace: string,
): Promise<Scale | undefined> => {
  if (owner.kind === 'ReplicaSet') {
    const set = informers.of(replicaSets).get(`${namespace}/${owner.name}`)
    if (set === undefined || set.metadata?.uid !== owner.uid) return undefined
    const above = controllerOf(set)
    if (above?.kind !== 'Deployment') return { uid: owner.uid, replicas: replicasOf(set) }
    const deployment = informers.of(deployments).get(`${namespace}/${above.name}`)
    if (deployment === undefined || deployment.metadata?.uid !== above.uid) return undefined
    return { uid: above.uid, replicas: replicasOf(deployment) }
  }
  const resource = scalable[owner.kind]
  if (resource === undefined) return undefined
  try {
    const object = await client.get(resource, owner.name, { namespace, signal })
    return object.metadata?.uid === owner.uid ? { uid: owner.uid, replicas: replicasOf(object) } : undefined
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined
    throw error
  }
}

/** Throws SkiffError NOT_FOUND where a pod's controller is none that can be counted. */
const expectedScale = async (context: ControllerContext, all: readonly Pod[]): Promise<ExpectedScale> => {
  const scales = new Map<string, number>()
  const asked = new Set<string>()
  const unmanaged: string[] = []
  for (const pod of all) {
    const { name = '', namespace = '' } = pod.metadata ?? {}
    const owner = controllerOf(pod)
    if (owner === undefined) unmanaged.push(name)
    if (owner === undefined || asked.has(owner.uid)) continue
    asked.add(owner.uid)
    const scale = await scaleOf(context, owner, namespace)
    if (scale === undefined) throw new SkiffError('NOT_FOUND', `found no controllers for pod ${JSON.stringify(name)}`)
    scales.set(scale.uid, scale.replicas)
  }
  return { count: [...scales.values()].reduce((sum, count) => sum + count, 0), unmanaged }
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`

/** Keeps the status of PodDisruptionBudgets, which evictions are allowed by. */
export const startDisruptionController: StartController = context => {
  const { informers, client, signal, clock } = context
  const recorder = context.recorder('controllermanager')
  const budgets = informers.of(podDisruptionBudgets)
  const selects = (budget: PodDisruptionBudget, pod: Pod): boolean =>
    matchLabelSelector(budget.spec?.selector, pod.metadata?.labels)

  const write = async (budget: PodDisruptionBudget, status: PodDisruptionBudget['status']): Promise<void> => {
    const { status: _, ...rest } = budget
    const next = status === undefined ? rest : { ...rest, status }
    await applyWrite(client, updateWrite(podDisruptionBudgets, next, 'status'), signal)
  }

  const sync = async (budget: PodDisruptionBudget, key: string): Promise<void> => {
    const namespace = budget.metadata?.namespace ?? ''
    const all = informers
      .of(pods)
      .byIndex('namespace', namespace)
      .filter(pod => selects(budget, pod))
    const scale = needsScale(budget) ? await expectedScale(context, all) : undefined
    const plan = planDisruption(budget, { pods: all, scale, nowMs: clock.now() })
    for (const pod of plan.notDeleted)
      recorder.event(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${key} to be deleted but it wasn't`)
    if (plan.status !== undefined) await write(budget, plan.status)
    if (plan.recheckAtMs !== undefined) queue.addAfter(key, plan.recheckAtMs - clock.now())
  }

  const queue = context.startQueue('disruption', 1, async key => {
    const budget = budgets.get(key)
    if (budget === undefined) return
    try {
      await sync(budget, key)
    } catch (error) {
      // Gone is gone, and a conflict means that newer news are on their way: both without alarm.
      if (hasReason(error, 'NotFound')) return
      if (hasReason(error, 'Conflict')) throw error
      await write(budget, failedStatus(budget, { message: messageOf(error), nowMs: clock.now() }))
      throw error
    }
  })

  const enqueueFor = (pod: Pod): void => {
    for (const budget of budgets.byIndex('namespace', pod.metadata?.namespace ?? ''))
      if (selects(budget, pod)) queue.add(keyOf(budget))
  }
  budgets.subscribe({ added: budget => queue.add(keyOf(budget)), updated: budget => queue.add(keyOf(budget)) })
  informers.of(pods).subscribe({
    added: enqueueFor,
    updated: (pod, old) => {
      enqueueFor(old)
      enqueueFor(pod)
    },
    deleted: enqueueFor,
  })
  const enqueueAll = (owner: KubeObject): void => {
    for (const budget of budgets.byIndex('namespace', owner.metadata?.namespace ?? '')) queue.add(keyOf(budget))
  }
  informers
    .of(deployments)
    .subscribe({ updated: (next, old) => replicasOf(next) !== replicasOf(old) && enqueueAll(next) })
  informers
    .of(replicaSets)
    .subscribe({ updated: (next, old) => replicasOf(next) !== replicasOf(old) && enqueueAll(next) })
}
