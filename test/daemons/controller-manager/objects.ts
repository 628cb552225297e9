import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { Namespace, Node, Pod, Service } from 'kubernetes-types/core/v1.js'

export const t0 = '2026-01-01T00:00:00Z'

export const deployment = (name: string, replicas: number, spec: Partial<Deployment['spec']> = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default', uid: `d-${name}`, generation: 1 },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'c', image: 'v1' }] },
    },
    ...spec,
  },
})

export const replicaSet = (
  name: string,
  replicas: number,
  more: Partial<ReplicaSet> & { image?: string; app?: string } = {},
): ReplicaSet => {
  const { image = 'v1', app = 'web', metadata, spec, ...rest } = more
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: 'default',
      uid: `rs-${name}`,
      creationTimestamp: t0,
      labels: { app },
      ...metadata,
    },
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'c', image }] } },
      ...spec,
    },
    ...rest,
  }
}

interface PodShape {
  labels?: Record<string, string>
  node?: string
  ip?: string
  ready?: boolean
  readyAt?: string
  phase?: string
  owner?: string
  deleting?: boolean
  restarts?: number
  annotations?: Record<string, string>
  created?: string
  spec?: Partial<Pod['spec']>
}

export const pod = (name: string, shape: PodShape = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    uid: `p-${name}`,
    creationTimestamp: shape.created ?? t0,
    labels: shape.labels ?? { app: 'web' },
    ...(shape.annotations === undefined ? {} : { annotations: shape.annotations }),
    ...(shape.deleting === true ? { deletionTimestamp: t0, deletionGracePeriodSeconds: 30 } : {}),
    ...(shape.owner === undefined
      ? {}
      : {
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'ReplicaSet',
              name: shape.owner,
              uid: `rs-${shape.owner}`,
              controller: true,
            },
          ],
        }),
  },
  spec: {
    containers: [{ name: 'c', image: 'v1', ports: [{ name: 'http', containerPort: 8080 }] }],
    ...(shape.node === undefined ? {} : { nodeName: shape.node }),
    ...shape.spec,
  },
  status: {
    phase: shape.phase ?? 'Running',
    ...(shape.ip === undefined ? {} : { podIP: shape.ip, podIPs: [{ ip: shape.ip }] }),
    conditions: [
      { type: 'Ready', status: shape.ready === false ? 'False' : 'True', lastTransitionTime: shape.readyAt ?? t0 },
    ],
    ...(shape.restarts === undefined
      ? {}
      : {
          containerStatuses: [{ name: 'c', image: 'v1', imageID: '', ready: true, restartCount: shape.restarts }],
        }),
  },
})

export const service = (name: string, spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default', uid: `s-${name}`, labels: { team: 'a' } },
  spec: {
    clusterIP: '10.96.0.20',
    selector: { app: 'web' },
    ports: [{ name: 'web', port: 80, targetPort: 'http', protocol: 'TCP' }],
    ...spec,
  },
})

export const namespace = (name: string): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, uid: `ns-${name}` },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: 'Active' },
})

export const node = (name: string, ready: 'True' | 'False' | 'Unknown' | 'none' = 'True'): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: `n-${name}`, creationTimestamp: t0 },
  spec: {},
  status:
    ready === 'none'
      ? {}
      : { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: t0, lastTransitionTime: t0 }] },
})
