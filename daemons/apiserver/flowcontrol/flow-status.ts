import type { FlowSchema } from 'kubernetes-types/flowcontrol/v1.js'
import type { KubeClient } from '../../../kube/client/client.ts'
import { flowSchemas, priorityLevelConfigurations } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { Store } from '../store/store.ts'
import { flowControlPrefixes } from './flow-controller.ts'

/** Whether the priority level that a flow schema names is missing, as `kubectl get flowschemas` shows it. */
const danglingOf = (level: string, exists: boolean): { status: string; reason: string; message: string } => ({
  status: exists ? 'False' : 'True',
  reason: exists ? 'Found' : 'NotFound',
  message: `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} ${
    exists ? 'and it exists' : 'but there is no such object'
  }`,
})

const putRight = async (client: KubeClient, schema: FlowSchema, levels: ReadonlySet<string>, now: string) => {
  const level = schema.spec?.priorityLevelConfiguration.name ?? ''
  const wanted = danglingOf(level, levels.has(level))
  const conditions = schema.status?.conditions ?? []
  const old = conditions.find(({ type }) => type === 'Dangling')
  if (old?.status === wanted.status && old.message === wanted.message) return
  const lastTransitionTime = old?.status === wanted.status ? (old.lastTransitionTime ?? now) : now
  const condition = { type: 'Dangling', ...wanted, lastTransitionTime }
  const others = conditions.filter(({ type }) => type !== 'Dangling')
  try {
    const object = { ...schema, status: { conditions: [...others, condition] } }
    await client.update(flowSchemas, object, { subresource: 'status' })
  } catch (error) {
    // It has changed, and is looked at again because it has.
    if (!hasReason(error, 'Conflict', 'NotFound')) throw error
  }
}

/** Keeps the condition Dangling of every flow schema as it is, until what it returns is called. */
export const keepFlowStatus = (
  store: Store,
  client: KubeClient,
  { now, onError }: { now(): string; onError(error: unknown): void },
): (() => void) => {
  let asked = false
  let stopped = false
  const look = async (): Promise<void> => {
    asked = false
    const [schemas, levels] = await Promise.all([client.list(flowSchemas), client.list(priorityLevelConfigurations)])
    const names = new Set(levels.items.map(({ metadata }) => metadata?.name ?? ''))
    await Promise.all(schemas.items.map(schema => putRight(client, schema, names, now())))
  }
  const ask = (): void => {
    if (asked || stopped) return
    asked = true
    setImmediate(() => {
      if (!stopped) void look().catch((error: unknown) => (stopped ? undefined : onError(error)))
    })
  }
  const stops = flowControlPrefixes.map(prefix => store.watch(prefix, store.revision, ask))
  ask()
  return () => {
    stopped = true
    stops.forEach(stop => stop())
  }
}
