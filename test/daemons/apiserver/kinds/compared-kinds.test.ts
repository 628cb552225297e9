import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from '../../../../daemons/apiserver/kinds/name-syntax.ts' // prettier-ignore
import { createErrors, metadata } from './sample-objects.ts'

const subdomain = (path: string, value: string) =>
  dns1123SubdomainErrors(value).map(why => `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`)
const label = (path: string, value: string) =>
  dns1123LabelErrors(value).map(why => `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`)
const qualified = (path: string, value: string) =>
  qualifiedNameErrors(value).map(why => `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`)
const of = (more: object): UnknownObject => ({ metadata: metadata(), ...more })

const backend = (resource: object) => of({ spec: { defaultBackend: { resource } } })
const claim = (more: object) =>
  of({ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more } })

const webhook = {
  name: 'a.b.c',
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  rules: [{ apiGroups: ['a'], apiVersions: ['v1'], resources: ['b'], operations: ['CREATE'] }],
}

/** What the two servers said differently when they were sent the same. */
const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  {
    name: 'a volume mode that is there is one of two, be it empty',
    plural: 'persistentvolumeclaims',
    object: claim({ volumeMode: '' }),
    errors: ['spec.volumeMode: Unsupported value: "": supported values: "Block", "Filesystem"'],
  },
  {
    name: 'an address of Endpoints has a host name and a node',
    plural: 'endpoints',
    object: of({ subsets: [{ addresses: [{ ip: '1.2.3.4', hostname: 'A', nodeName: '' }] }] }),
    errors: [...label('subsets[0].addresses[0].hostname', 'A'), ...subdomain('subsets[0].addresses[0].nodeName', '')],
  },
  {
    name: 'an application protocol is a qualified name',
    plural: 'endpointslices',
    object: of({ addressType: 'IPv4', endpoints: [], ports: [{ name: 'a', appProtocol: 'a b' }] }),
    errors: qualified('ports[0].appProtocol', 'a b'),
  },
  {
    name: 'a protocol that is there is not filled in',
    plural: 'endpointslices',
    object: of({ addressType: 'IPv4', endpoints: [], ports: [{ name: 'a', protocol: '' }] }),
    errors: ['ports[0].protocol: Unsupported value: "": supported values: "SCTP", "TCP", "UDP"'],
  },
  {
    name: 'a backend is a Service or a resource',
    plural: 'ingresses',
    object: of({ spec: { defaultBackend: {} } }),
    errors: ['spec.defaultBackend: Invalid value: "": resource or service backend is required'],
  },
  {
    name: 'a resource behind an Ingress has a group, a kind and a name',
    plural: 'ingresses',
    object: backend({ apiGroup: 'A', kind: 'a/b' }),
    errors: [
      ...subdomain('spec.defaultBackend.resource.apiGroup', 'A'),
      `spec.defaultBackend.resource.kind: Invalid value: "a/b": may not contain '/'`,
      'spec.defaultBackend.resource.name: Required value: name is required',
    ],
  },
  {
    name: 'a path without its type is not looked at further',
    plural: 'ingresses',
    object: of({ spec: { rules: [{ http: { paths: [{}] } }] } }),
    errors: ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
  },
  {
    name: 'a certificate of an Ingress is a Secret',
    plural: 'ingresses',
    object: of({
      spec: { defaultBackend: { service: { name: 's', port: { number: 1 } } }, tls: [{ secretName: 'A' }] },
    }),
    errors: subdomain('spec.tls[0].secretName', 'A'),
  },
  {
    name: 'a policy for preemption that is there is one of two',
    plural: 'priorityclasses',
    object: of({ value: 1, preemptionPolicy: 'Maybe' }),
    errors: ['preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"'],
  },
  {
    name: 'a topology that asks nothing is a repetition',
    plural: 'storageclasses',
    object: of({ provisioner: 'a/b', allowedTopologies: [{}] }),
    errors: ['allowedTopologies[0].matchLabelExpressions: Duplicate value: ""'],
  },
  {
    name: 'a binding mode that is there is one of two, be it empty',
    plural: 'storageclasses',
    object: of({ provisioner: 'a/b', volumeBindingMode: '' }),
    errors: ['volumeBindingMode: Unsupported value: "": supported values: "Immediate", "WaitForFirstConsumer"'],
  },
  {
    name: 'modes of a CSI driver are told in the order of their declaration',
    plural: 'csidrivers',
    object: of({ spec: { volumeLifecycleModes: ['x'] } }),
    errors: ['spec.volumeLifecycleModes: Unsupported value: "x": supported values: "Persistent", "Ephemeral"'],
  },
  {
    name: 'a Secret of a CSI volume has a name and a namespace',
    plural: 'persistentvolumes',
    object: of({
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: 'd', volumeHandle: 'h', nodePublishSecretRef: { name: 'A' } },
      },
    }),
    errors: [
      ...subdomain('spec.csi.nodePublishSecretRef.name', 'A'),
      'spec.csi.nodePublishSecretRef.namespace: Required value',
    ],
  },
  {
    name: 'a text without a scheme is a URL of a path',
    plural: 'mutatingwebhookconfigurations',
    object: of({ webhooks: [{ ...webhook, clientConfig: { url: 'a b' } }] }),
    errors: [
      `webhooks[0].clientConfig.url: Invalid value: "": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      'webhooks[0].clientConfig.url: Invalid value: "": host must be provided; desired format: https://host[/path]',
    ],
  },
  {
    name: 'a Service of a webhook has a name, a namespace and a path from the root',
    plural: 'mutatingwebhookconfigurations',
    object: of({ webhooks: [{ ...webhook, clientConfig: { service: { path: 'a' } } }] }),
    errors: [
      'webhooks[0].clientConfig.service.name: Required value: service name is required',
      'webhooks[0].clientConfig.service.namespace: Required value: service namespace is required',
      `webhooks[0].clientConfig.service.path: Invalid value: "a": must start with a '/'`,
    ],
  },
  {
    name: 'tolerations of a runtime class are named twice',
    plural: 'runtimeclasses',
    object: of({ handler: 'h', scheduling: { tolerations: [{ key: 'a', operator: 'x' }] } }),
    errors: [
      'scheduling.tolerations.tolerations[0].operator: Unsupported value: "x": supported values: "Equal", "Exists"',
    ],
  },
  {
    name: 'a finalizer of a namespace says whose it is',
    plural: 'namespaces',
    object: of({ spec: { finalizers: ['mine'] } }),
    errors: [
      'spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  },
  {
    name: 'a key for ssh is not empty',
    plural: 'secrets',
    object: of({ type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': '' } }),
    errors: ['data[%s][ssh-privatekey]: Required value'],
  },
  {
    name: 'credentials for a registry are JSON',
    plural: 'secrets',
    object: of({ type: 'kubernetes.io/dockercfg', data: { '.dockercfg': Buffer.from('{x').toString('base64') } }),
    errors: [
      'data[.dockercfg]: Invalid value: "<secret contents redacted>": invalid character \'x\' looking for beginning of object key string',
    ],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })

t.test('an event of the newer API has nothing of the older', async t => {
  const kind = builtinKinds.find(({ plural, group }) => plural === 'events' && group === 'events.k8s.io')
  const event = {
    metadata: metadata(),
    regarding: { namespace: 'default' },
    type: 'Odd',
    deprecatedCount: 1,
    series: { count: 1 },
  }
  const errors = kind?.validateCreate?.(event as UnknownObject) ?? []
  t.same(
    errors.map(({ field, message }) => `${field}: ${message}`),
    [
      'series.count: Invalid value: "": should be at least 2',
      'series.lastObservedTime: Required value',
      'eventTime: Required value',
      'type: Invalid value: "": has invalid value: Odd',
      'count: Invalid value: "": needs to be unset',
    ],
  )
})
