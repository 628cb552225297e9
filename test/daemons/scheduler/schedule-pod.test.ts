import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { decide, node, pod } from './objects.ts'

interface Case {
  name: string
  pod: Pod
  nodes: Node[]
  there?: Pod[]
  namespaces?: Record<string, Record<string, string>>
  is: string
}

const taint = (key: string, effect: string, value?: string) => ({
  spec: { taints: [{ key, effect, ...(value === undefined ? {} : { value }) }] },
})
const selectorApp = { matchLabels: { app: 'web' } }
const spread = (topologyKey: string, more: object = {}) => ({
  topologySpreadConstraints: [
    { topologyKey, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: selectorApp, ...more },
  ],
})
const near = (topologyKey: string) => ({
  affinity: {
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: selectorApp }] },
  },
})
const apart = (topologyKey: string, more: object = {}) => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: selectorApp, ...more }],
    },
  },
})
const onArch = (operator: string, values: string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'arch', operator, values }] }],
      },
    },
  },
})
const web = { labels: { app: 'web' } }
const zone = (name: string) => ({ labels: { 'topology.kubernetes.io/zone': name } })
const ZONE = 'topology.kubernetes.io/zone'
const HOST = 'kubernetes.io/hostname'

const filters: Case[] = [
  {
    name: 'without nodes there is nothing to choose',
    pod: pod('p'),
    nodes: [],
    is: 'no nodes available to schedule pods',
  },
  {
    name: 'a cordoned node takes no pods',
    pod: pod('p'),
    nodes: [node('a', { spec: { unschedulable: true } })],
    is: '0/1 nodes are available: 1 node(s) were unschedulable.',
  },
  {
    name: 'a cordoned node takes pods that tolerate it',
    pod: pod('p', { spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } }),
    nodes: [node('a', { spec: { unschedulable: true } })],
    is: 'node a',
  },
  {
    name: 'a taint keeps pods away',
    pod: pod('p'),
    nodes: [
      node('a', taint('gpu', 'NoSchedule', 'yes')),
      node('b', taint('node.kubernetes.io/not-ready', 'NoExecute')),
    ],
    is: '0/2 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.',
  },
  {
    name: 'a toleration with the taint’s value lets the pod in',
    pod: pod('p', { spec: { tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } }),
    nodes: [node('a', taint('gpu', 'NoSchedule', 'yes'))],
    is: 'node a',
  },
  {
    name: 'a toleration of another value does not',
    pod: pod('p', { spec: { tolerations: [{ key: 'gpu', value: 'no' }] } }),
    nodes: [node('a', taint('gpu', 'NoSchedule', 'yes'))],
    is: '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}.',
  },
  {
    name: 'PreferNoSchedule keeps nobody away',
    pod: pod('p'),
    nodes: [node('a', taint('slow', 'PreferNoSchedule'))],
    is: 'node a',
  },
  {
    name: 'every label of the nodeSelector must be there',
    pod: pod('p', { spec: { nodeSelector: { disk: 'ssd' } } }),
    nodes: [node('a'), node('b', { labels: { disk: 'hdd' } })],
    is: "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
  },
  {
    name: 'node affinity: In',
    pod: pod('p', { spec: onArch('In', ['arm64']) }),
    nodes: [node('a', { labels: { arch: 'amd64' } }), node('b', { labels: { arch: 'arm64' } })],
    is: 'node b',
  },
  {
    name: 'node affinity: NotIn holds where the label is absent',
    pod: pod('p', { spec: onArch('NotIn', ['amd64']) }),
    nodes: [node('a', { labels: { arch: 'amd64' } }), node('b')],
    is: 'node b',
  },
  {
    name: 'what is requested must be free',
    pod: pod('p', { cpu: '1500m', memory: '1Gi' }),
    nodes: [node('a', { allocatable: { cpu: '2', memory: '512Mi' } })],
    there: [pod('x', { cpu: '600m', on: 'a' })],
    is: '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.',
  },
  {
    name: 'a pod that has ended frees what it took',
    pod: pod('p', { cpu: '2' }),
    nodes: [node('a', { allocatable: { cpu: '2' } })],
    there: [],
    is: 'node a',
  },
  {
    name: 'a node takes no more pods than it says',
    pod: pod('p'),
    nodes: [node('a', { allocatable: { pods: '1' } })],
    there: [pod('x', { on: 'a' })],
    is: '0/1 nodes are available: 1 Too many pods.',
  },
  {
    name: 'a resource the node does not know is not there',
    pod: pod('p', { spec: { containers: [{ name: 'a', resources: { requests: { 'example.com/gpu': '1' } } }] } }),
    nodes: [node('a')],
    is: '0/1 nodes are available: 1 Insufficient example.com/gpu.',
  },
  {
    name: 'an init container that asks for more than the rest decides',
    pod: pod('p', { cpu: '1', spec: { initContainers: [{ name: 'i', resources: { requests: { cpu: '8' } } }] } }),
    nodes: [node('a')],
    is: '0/1 nodes are available: 1 Insufficient cpu.',
  },
  {
    name: 'a host port can be had once a node',
    pod: pod('p', { hostPort: 80 }),
    nodes: [node('a')],
    there: [pod('x', { hostPort: 80, on: 'a' })],
    is: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
  },
  {
    name: 'spreading: the domain with more pods is full',
    pod: pod('p', { ...web, spec: spread(HOST) }),
    nodes: [node('a'), node('b')],
    there: [pod('x', { ...web, on: 'a' })],
    is: 'node b',
  },
  {
    name: 'spreading: a node without the label is no domain',
    pod: pod('p', { ...web, spec: spread(ZONE) }),
    nodes: [node('a')],
    is: "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).",
  },
  {
    name: 'spreading: too few domains count as an empty one',
    pod: pod('p', { ...web, spec: spread(HOST, { minDomains: 2 }) }),
    nodes: [node('a')],
    there: [pod('x', { ...web, on: 'a' })],
    is: "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints.",
  },
  {
    name: 'spreading: pods of other namespaces do not count',
    pod: pod('p', { ...web, spec: spread(HOST, { minDomains: 2 }) }),
    nodes: [node('a')],
    there: [pod('x', { ...web, on: 'a', namespace: 'other' })],
    is: 'node a',
  },
  {
    name: 'affinity: near a pod it speaks of',
    pod: pod('p', { spec: near(HOST) }),
    nodes: [node('a'), node('b')],
    there: [pod('x', { ...web, on: 'b' })],
    is: 'node b',
  },
  {
    name: 'affinity: nowhere when there is no such pod',
    pod: pod('p', { spec: near(HOST) }),
    nodes: [node('a')],
    is: "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
  },
  {
    name: 'affinity: the first pod of a group that wants its own kind goes anywhere',
    pod: pod('p', { ...web, spec: near(HOST) }),
    nodes: [node('a')],
    is: 'node a',
  },
  {
    name: 'anti-affinity: apart over a whole zone',
    pod: pod('p', { spec: apart(ZONE) }),
    nodes: [node('a', zone('1')), node('b', zone('1')), node('c', zone('2'))],
    there: [pod('x', { ...web, on: 'a' })],
    is: 'node c',
  },
  {
    name: 'anti-affinity: pods that are there refuse newcomers too',
    pod: pod('p', web),
    nodes: [node('a')],
    there: [pod('x', { on: 'a', spec: apart(HOST) })],
    is: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
  },
  {
    name: 'anti-affinity: a namespace selector reaches other namespaces',
    pod: pod('p', { spec: apart(HOST, { namespaceSelector: { matchLabels: { team: 'x' } } }) }),
    nodes: [node('a')],
    there: [pod('x', { ...web, on: 'a', namespace: 'theirs' })],
    namespaces: { theirs: { team: 'x' } },
    is: "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
  },
  {
    name: 'what is not built is named',
    pod: pod('p', { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } }),
    nodes: [node('a')],
    is: '0/1 nodes are available: 1 node(s) cannot be chosen: persistentVolumeClaim volumes are not implemented.',
  },
]

const scores: Case[] = [
  {
    name: 'the emptier node is better',
    pod: pod('p', { cpu: '1', memory: '1Gi' }),
    nodes: [node('a'), node('b')],
    there: [pod('x', { cpu: '2', memory: '4Gi', on: 'a' })],
    is: 'node b',
  },
  {
    name: 'pods without requests spread too',
    pod: pod('p'),
    nodes: [node('a'), node('b')],
    there: [pod('x', { on: 'a' })],
    is: 'node b',
  },
  {
    name: 'a node whose cpu and memory are used alike is better',
    pod: pod('p', { cpu: '1', memory: '2Gi' }),
    nodes: [
      node('a', { allocatable: { cpu: '4', memory: '16Gi' } }),
      node('b', { allocatable: { cpu: '6', memory: '12Gi' } }),
    ],
    is: 'node b',
  },
  {
    name: 'a PreferNoSchedule taint is avoided',
    pod: pod('p'),
    nodes: [node('a', taint('slow', 'PreferNoSchedule')), node('b')],
    there: [pod('x', { cpu: '1', on: 'b' })],
    is: 'node b',
  },
  {
    name: 'preferred node affinity counts its weight',
    pod: pod('p', {
      spec: {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } },
            ],
          },
        },
      },
    }),
    nodes: [node('a'), node('b', { labels: { disk: 'ssd' } })],
    is: 'node b',
  },
  {
    name: 'replicas of one controller spread over hosts though another host is emptier',
    pod: pod('p', { owner: 'rs1' }),
    nodes: [node('a', { allocatable: { cpu: '64', memory: '64Gi' } }), node('b')],
    there: [pod('x', { owner: 'rs1', on: 'a' })],
    is: 'node b',
  },
  {
    name: 'preferred anti-affinity is kept where it can be',
    pod: pod('p', {
      spec: {
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 100, podAffinityTerm: { topologyKey: HOST, labelSelector: selectorApp } },
            ],
          },
        },
      },
    }),
    nodes: [node('a'), node('b')],
    there: [pod('x', { ...web, on: 'a' }), pod('y', { cpu: '500m', on: 'b' })],
    is: 'node b',
  },
]

for (const { name, pod: wanted, nodes, there, namespaces, is } of [...filters, ...scores])
  void t.test(name, async t => {
    t.equal(decide(wanted, nodes, there, namespaces), is)
  })
