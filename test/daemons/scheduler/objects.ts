import type { Node, Pod, PodSpec } from 'kubernetes-types/core/v1.js'
import { Cluster } from '../../../daemons/scheduler/framework/cluster.ts'
import { podInfoOf } from '../../../daemons/scheduler/framework/pod-info.ts'
import { schedulePod } from '../../../daemons/scheduler/framework/schedule-pod.ts'
import { defaultProfile } from '../../../daemons/scheduler/profiles.ts'

export const node = (
  name: string,
  more: { labels?: Record<string, string>; spec?: Node['spec']; allocatable?: Record<string, string> } = {},
): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
  spec: more.spec ?? {},
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...more.allocatable } },
})

export interface PodWords {
  namespace?: string
  labels?: Record<string, string>
  cpu?: string
  memory?: string
  hostPort?: number
  on?: string
  /** uid of the controller */
  owner?: string
  spec?: Partial<PodSpec>
  phase?: string
}

export const pod = (name: string, words: PodWords = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: words.namespace ?? 'default',
    labels: words.labels ?? {},
    ...(words.owner === undefined
      ? {}
      : {
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: words.owner, controller: true },
          ],
        }),
  },
  spec: {
    containers: [
      {
        name: 'app',
        resources: {
          requests: {
            ...(words.cpu === undefined ? {} : { cpu: words.cpu }),
            ...(words.memory === undefined ? {} : { memory: words.memory }),
          },
        },
        ...(words.hostPort === undefined ? {} : { ports: [{ containerPort: 80, hostPort: words.hostPort }] }),
      },
    ],
    ...(words.on === undefined ? {} : { nodeName: words.on }),
    ...words.spec,
  },
  ...(words.phase === undefined ? {} : { status: { phase: words.phase } }),
})

/** The decision in one line: `node a` or upstream's message. */
export const decide = (
  wanted: Pod,
  nodes: readonly Node[],
  there: readonly Pod[] = [],
  namespaces: Record<string, Record<string, string>> = {},
): string => {
  const cluster = new Cluster(name => ({ metadata: { name, labels: namespaces[name] ?? {} } }))
  for (const one of nodes) cluster.setNode(one)
  for (const one of there) cluster.setPod(one)
  const decision = schedulePod(podInfoOf(wanted), cluster, defaultProfile, () => 0)
  return decision.kind === 'place' ? `node ${decision.node}` : decision.message
}
