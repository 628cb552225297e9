import type {
  FlowSchema,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  ResourcePolicyRule,
  Subject,
} from 'kubernetes-types/flowcontrol/v1.js'

/**
 * Upstream's priority levels and flow schemas (KEP-1040): `exempt` and `catch-all` are there always, the others are
 * suggestions that an administrator may change, by taking away the annotation first.
 */
export const autoUpdateAnnotation = 'apf.kubernetes.io/autoupdate-spec'

const apiVersion = 'flowcontrol.apiserver.k8s.io/v1'

type Named<T> = T & { metadata: { name: string } }

const level = (
  name: string,
  { shares, lendable, queues }: { shares: number; lendable: number; queues?: [number, number] },
): Named<PriorityLevelConfiguration> => ({
  apiVersion,
  kind: 'PriorityLevelConfiguration',
  metadata: { name, annotations: { [autoUpdateAnnotation]: 'true' } },
  spec:
    name === 'exempt'
      ? { type: 'Exempt', exempt: { nominalConcurrencyShares: shares, lendablePercent: lendable } }
      : {
          type: 'Limited',
          limited: {
            nominalConcurrencyShares: shares,
            lendablePercent: lendable,
            limitResponse:
              queues === undefined
                ? { type: 'Reject' }
                : { type: 'Queue', queuing: { queues: queues[0], handSize: queues[1], queueLengthLimit: 50 } },
          },
        },
})

export const priorityLevels: readonly Named<PriorityLevelConfiguration>[] = [
  level('exempt', { shares: 0, lendable: 0 }),
  level('catch-all', { shares: 5, lendable: 0 }),
  level('system', { shares: 30, lendable: 33, queues: [64, 6] }),
  level('node-high', { shares: 40, lendable: 25, queues: [64, 6] }),
  level('leader-election', { shares: 10, lendable: 0, queues: [16, 4] }),
  level('workload-high', { shares: 40, lendable: 50, queues: [128, 6] }),
  level('workload-low', { shares: 100, lendable: 90, queues: [128, 6] }),
  level('global-default', { shares: 20, lendable: 50, queues: [128, 6] }),
]

const users = (...names: string[]): Subject[] => names.map(name => ({ kind: 'User', user: { name } }))
const groups = (...names: string[]): Subject[] => names.map(name => ({ kind: 'Group', group: { name } }))
const systemAccounts = (...names: string[]): Subject[] =>
  names.map(name => ({ kind: 'ServiceAccount', serviceAccount: { name, namespace: 'kube-system' } }))

const everyResource: ResourcePolicyRule = {
  verbs: ['*'],
  apiGroups: ['*'],
  resources: ['*'],
  clusterScope: true,
  namespaces: ['*'],
}
const everything = {
  resourceRules: [everyResource],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
}
const namespaced = (verbs: string[], apiGroup: string, resources: string[]): ResourcePolicyRule => ({
  verbs,
  apiGroups: [apiGroup],
  resources,
  namespaces: ['*'],
})
const elections = namespaced(['get', 'create', 'update'], 'coordination.k8s.io', ['leases'])
const anybody = groups('system:unauthenticated', 'system:authenticated')

interface SchemaRow {
  level: string
  precedence: number
  /** What makes a flow; none: all requests are one. */
  by?: 'ByUser' | 'ByNamespace'
  rules: PolicyRulesWithSubjects
}

const schema = (name: string, { level: to, precedence, by, rules }: SchemaRow): Named<FlowSchema> => ({
  apiVersion,
  kind: 'FlowSchema',
  metadata: { name, annotations: { [autoUpdateAnnotation]: 'true' } },
  spec: {
    priorityLevelConfiguration: { name: to },
    matchingPrecedence: precedence,
    ...(by === undefined ? {} : { distinguisherMethod: { type: by } }),
    rules: [rules],
  },
})

export const flowSchemas: readonly Named<FlowSchema>[] = [
  schema('exempt', { level: 'exempt', precedence: 1, rules: { subjects: groups('system:masters'), ...everything } }),
  schema('catch-all', {
    level: 'catch-all',
    precedence: 10_000,
    by: 'ByUser',
    rules: { subjects: anybody, ...everything },
  }),
  schema('system-nodes', {
    level: 'system',
    precedence: 500,
    by: 'ByUser',
    rules: { subjects: groups('system:nodes'), ...everything },
  }),
  schema('system-node-high', {
    level: 'node-high',
    precedence: 400,
    by: 'ByUser',
    rules: {
      subjects: groups('system:nodes'),
      resourceRules: [
        { ...namespaced(['*'], '', ['nodes', 'nodes/status']), clusterScope: true },
        namespaced(['*'], 'coordination.k8s.io', ['leases']),
      ],
    },
  }),
  schema('probes', {
    level: 'exempt',
    precedence: 2,
    rules: {
      subjects: anybody,
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
    },
  }),
  schema('system-leader-election', {
    level: 'leader-election',
    precedence: 100,
    by: 'ByUser',
    rules: {
      subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...systemAccounts('*')],
      resourceRules: [elections],
    },
  }),
  schema('workload-leader-election', {
    level: 'leader-election',
    precedence: 200,
    by: 'ByUser',
    rules: { subjects: systemAccounts('*'), resourceRules: [elections] },
  }),
  schema('endpoint-controller', {
    level: 'workload-high',
    precedence: 150,
    by: 'ByUser',
    rules: {
      subjects: [
        ...users('system:kube-controller-manager'),
        ...systemAccounts('endpoint-controller', 'endpointslicemirroring-controller'),
      ],
      resourceRules: [namespaced(['get', 'create', 'update'], '', ['endpoints'])],
    },
  }),
  ...['kube-controller-manager', 'kube-scheduler'].map(name =>
    schema(name, {
      level: 'workload-high',
      precedence: 800,
      by: 'ByNamespace',
      rules: { subjects: users(`system:${name}`), ...everything },
    }),
  ),
  schema('kube-system-service-accounts', {
    level: 'workload-high',
    precedence: 900,
    by: 'ByNamespace',
    rules: { subjects: systemAccounts('*'), ...everything },
  }),
  schema('service-accounts', {
    level: 'workload-low',
    precedence: 9000,
    by: 'ByUser',
    rules: { subjects: groups('system:serviceaccounts'), ...everything },
  }),
  schema('global-default', {
    level: 'global-default',
    precedence: 9900,
    by: 'ByUser',
    rules: { subjects: anybody, ...everything },
  }),
]
