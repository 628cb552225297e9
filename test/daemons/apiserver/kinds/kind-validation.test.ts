import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { createErrors, deployment, metadata, service } from './sample-objects.ts'

const ingress = (spec: object, more: object = {}): UnknownObject => ({ metadata: metadata(more), spec })
const backend = { service: { name: 'web', port: { number: 80 } } }
const key = 'x'.repeat(3)

const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  { name: 'a small Deployment is fine', plural: 'deployments', object: deployment(), errors: [] },
  {
    name: 'a Deployment without a spec lacks a selector and a template',
    plural: 'deployments',
    object: { metadata: metadata() },
    errors: [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
      'spec.template.spec.containers: Required value',
    ],
  },
  {
    name: 'a selector chooses what the template makes',
    plural: 'deployments',
    object: deployment({ selector: { matchLabels: { app: 'other' } } }),
    errors: [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  },
  {
    name: 'a selector chooses something',
    plural: 'deployments',
    object: deployment({ selector: {} }),
    errors: ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  },
  {
    name: 'errors in a template have its path',
    plural: 'deployments',
    object: deployment({
      template: { metadata: { labels: { app: 'web' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'a' }] } },
    }),
    errors: [
      'spec.template.spec.containers[0].image: Required value',
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  },
  {
    name: 'a rollout can move',
    plural: 'deployments',
    object: deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } }),
    errors: ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
  },
  {
    name: 'Recreate has no numbers',
    plural: 'deployments',
    object: deployment({ strategy: { type: 'Recreate', rollingUpdate: {} } }),
    errors: ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  },
  {
    name: 'replicas are not negative',
    plural: 'replicasets',
    object: deployment({ replicas: -1 }),
    errors: ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  },
  { name: 'a small Service is fine', plural: 'services', object: service(), errors: [] },
  {
    name: 'a Service has ports',
    plural: 'services',
    object: service({ ports: [] }),
    errors: ['spec.ports: Required value'],
  },
  {
    name: 'several ports have names',
    plural: 'services',
    object: service({ ports: [{ port: 80 }, { port: 81, name: 'b' }] }),
    errors: ['spec.ports[0].name: Required value'],
  },
  {
    name: 'a port is served once',
    plural: 'services',
    object: service({
      ports: [
        { port: 80, name: 'a' },
        { port: 80, name: 'b' },
      ],
    }),
    errors: ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}'],
  },
  {
    name: 'types are a closed list',
    plural: 'services',
    object: service({ type: 'Magic' }),
    errors: [
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  },
  {
    name: 'a ClusterIP has no node ports',
    plural: 'services',
    object: service({ ports: [{ port: 80, nodePort: 30080 }] }),
    errors: ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  },
  {
    name: 'a NodePort is not headless',
    plural: 'services',
    object: service({ type: 'NodePort', clusterIP: 'None' }),
    errors: [`spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`],
  },
  {
    name: 'an address is an address',
    plural: 'services',
    object: service({ clusterIP: '10.0.0' }),
    errors: [
      'spec.clusterIPs[0]: Invalid value: "10.0.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  },
  {
    name: 'an Ingress has rules or a backend',
    plural: 'ingresses',
    object: ingress({}),
    errors: ['spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'],
  },
  {
    name: 'a path of an Ingress has a type, and starts at the root',
    plural: 'ingresses',
    object: ingress({
      rules: [
        {
          host: 'a.example',
          http: {
            paths: [
              { path: '/', backend },
              { path: 'x', pathType: 'Prefix', backend },
            ],
          },
        },
      ],
    }),
    errors: [
      'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
      'spec.rules[0].http.paths[1].path: Invalid value: "x": must be an absolute path',
    ],
  },
  {
    name: 'a backend has a port',
    plural: 'ingresses',
    object: ingress({ defaultBackend: { service: { name: 'web' } } }),
    errors: ['spec.defaultBackend: Required value: port name or number is required'],
  },
  {
    name: 'a host is a name',
    plural: 'ingresses',
    object: ingress({ rules: [{ host: '10.0.0.1' }] }),
    errors: ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
  },
  {
    name: 'the keys of a ConfigMap are file names, in one of its two maps',
    plural: 'configmaps',
    object: { metadata: metadata(), data: { 'a b': '', [key]: '' }, binaryData: { [key]: '' } },
    errors: [
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      'data[xxx]: Invalid value: "xxx": duplicate of key present in binaryData',
    ],
  },
  {
    name: 'a TLS Secret has a certificate and a key',
    plural: 'secrets',
    object: { metadata: metadata(), type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
    errors: ['data[tls.key]: Required value'],
  },
  {
    name: 'an EndpointSlice holds addresses of its type',
    plural: 'endpointslices',
    object: {
      metadata: metadata(),
      addressType: 'IPv4',
      endpoints: [{ addresses: ['::1'] }, { addresses: [] }],
      ports: [],
    },
    errors: [
      'endpoints[0].addresses[0]: Invalid value: "::1": must be an IPv4 address',
      'endpoints[1].addresses: Required value: must contain at least 1 address',
    ],
  },
  {
    name: 'Endpoints do not lead to the loopback',
    plural: 'endpoints',
    object: { metadata: metadata(), subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: 80 }] }] },
    errors: [
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
  },
  {
    name: 'an event stands in the namespace of what it is about',
    plural: 'events',
    object: { metadata: metadata(), involvedObject: { kind: 'Pod', name: 'x', namespace: 'other' } },
    errors: ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  },
  {
    name: 'a lease lasts',
    plural: 'leases',
    object: { metadata: metadata(), spec: { leaseDurationSeconds: 0 } },
    errors: ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
  },
  {
    name: 'a priority stays below those of the system',
    plural: 'priorityclasses',
    object: { metadata: { name: 'x' }, value: 2_000_000_000 },
    errors: ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
  },
  {
    name: 'the classes of the system have their values',
    plural: 'priorityclasses',
    object: { metadata: { name: 'system-node-critical' }, value: 2_000_001_000 },
    errors: [],
  },
  {
    name: 'an IngressClass names its controller by a domain',
    plural: 'ingressclasses',
    object: { metadata: { name: 'x' }, spec: { controller: 'nginx' } },
    errors: ['spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")'],
  },
  {
    name: 'taints differ by key and effect',
    plural: 'nodes',
    object: {
      metadata: { name: 'n' },
      spec: {
        taints: [
          { key: 'a', effect: 'NoSchedule' },
          { key: 'a', effect: 'NoSchedule' },
        ],
      },
    },
    errors: [
      'metadata.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
    ],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })
