import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cells, createErrors, created, metadata, updateErrors } from './sample-objects.ts'

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const webhook = (more: object = {}) => ({
  name: 'pods.example.com',
  clientConfig: { url: 'https://hooks.example.com/pods' },
  rules: [rule],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  ...more,
})
const hooks = (...webhooks: object[]): UnknownObject => ({ metadata: { name: 'x' }, webhooks })
const policy = (spec: object): UnknownObject => ({
  metadata: { name: 'x' },
  spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'true' }], ...spec },
})
const binding = (spec: object): UnknownObject => ({
  metadata: { name: 'x' },
  spec: { policyName: 'x', validationActions: ['Deny'], ...spec },
})
const service = (spec: object, name = 'v1.metrics.example.com'): UnknownObject => ({
  metadata: { name },
  spec: { group: 'metrics.example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 100, ...spec },
})
const flow = (spec: object): UnknownObject => ({
  metadata: { name: 'x' },
  spec: { priorityLevelConfiguration: { name: 'system' }, ...spec },
})
const level = (limited: object, more: object = {}): UnknownObject => ({
  metadata: { name: 'x' },
  spec: { type: 'Limited', limited, ...more },
})
const claim = (devices: object): UnknownObject => ({ metadata: metadata(), spec: { devices } })
const slice = (spec: object): UnknownObject => ({
  metadata: { name: 'x' },
  spec: { driver: 'gpu.example.com', nodeName: 'n1', pool: { name: 'n1', resourceSliceCount: 1 }, ...spec },
})

const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  {
    name: 'a webhook in few words is fine',
    plural: 'validatingwebhookconfigurations',
    object: hooks(webhook()),
    errors: [],
  },
  {
    name: 'a webhook has a long name, a place, no side effects and a version',
    plural: 'mutatingwebhookconfigurations',
    object: hooks({ name: 'pods', clientConfig: {} }),
    errors: [
      'webhooks[0].name: Invalid value: "pods": should be a domain with at least three segments separated by dots',
      'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun',
      'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
      'webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1',
    ],
  },
  {
    name: 'a webhook is asked over TLS, and not for long',
    plural: 'validatingwebhookconfigurations',
    object: hooks(webhook({ clientConfig: { url: 'http://hooks.example.com/?a' }, timeoutSeconds: 31 })),
    errors: [
      'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
      `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      'webhooks[0].clientConfig.url: Invalid value: "a": query parameters are not permitted in the URL',
    ],
  },
  {
    name: 'a star stands alone',
    plural: 'validatingwebhookconfigurations',
    object: hooks(
      webhook({
        rules: [
          { operations: ['*', 'EAT'], apiGroups: ['*', 'apps'], apiVersions: [''], resources: ['pods/*', 'pods/log'] },
        ],
      }),
    ),
    errors: [
      `webhooks[0].rules[0].operations: Invalid value: ["*","EAT"]: if '*' is present, must not specify other operations`,
      'webhooks[0].rules[0].operations[1]: Unsupported value: "EAT": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
      `webhooks[0].rules[0].apiGroups: Invalid value: ["*","apps"]: if '*' is present, must not specify other API groups`,
      'webhooks[0].rules[0].apiVersions[0]: Required value',
      `webhooks[0].rules[0].resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`,
    ],
  },
  {
    name: 'webhooks have names of their own, and know a version that is spoken',
    plural: 'validatingwebhookconfigurations',
    object: hooks(webhook(), webhook({ admissionReviewVersions: ['v2'] })),
    errors: [
      'webhooks[1].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
      'webhooks[1].name: Duplicate value: "pods.example.com"',
    ],
  },
  { name: 'a policy in few words is fine', plural: 'validatingadmissionpolicies', object: policy({}), errors: [] },
  {
    name: 'a policy says what it is asked about, and says something',
    plural: 'validatingadmissionpolicies',
    object: { metadata: { name: 'x' }, spec: {} },
    errors: [
      'spec.matchConstraints: Required value',
      'spec.validations: Required value: validations or auditAnnotations must be non-empty',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must be non-empty',
    ],
  },
  {
    name: 'what a long expression means is said',
    plural: 'validatingadmissionpolicies',
    object: policy({ validations: [{ expression: 'a &&\nb' }, { expression: ' ', reason: 'Tired' }] }),
    errors: [
      'spec.validations[0].message: Required value: message must be specified if expression contains line breaks',
      'spec.validations[1].expression: Required value: expression is not specified',
      'spec.validations[1].reason: Unsupported value: "Tired": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"',
    ],
  },
  {
    name: 'a binding does something, and does not say it twice',
    plural: 'validatingadmissionpolicybindings',
    object: binding({ validationActions: ['Deny', 'Warn'], paramRef: {} }),
    errors: [
      'spec.paramRef: Required value: one of name or selector must be specified',
      'spec.paramRef.parameterNotFoundAction: Required value',
      'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    ],
  },
  {
    name: 'an APIService is named for what it serves',
    plural: 'apiservices',
    object: service({ groupPriorityMinimum: 0 }, 'metrics'),
    errors: [
      'metadata.name: Invalid value: "metrics": must be `spec.version+"."+spec.group`: "v1.metrics.example.com"',
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
    ],
  },
  {
    name: 'an APIService trusts somebody or nobody',
    plural: 'apiservices',
    object: service({ service: { name: 'a' }, caBundle: 'AA==', insecureSkipTLSVerify: true }),
    errors: [
      'spec.service.namespace: Required value',
      'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
    ],
  },
  {
    name: 'a flow has subjects, rules and a level',
    plural: 'flowschemas',
    object: flow({ priorityLevelConfiguration: {}, matchingPrecedence: 1, rules: [{}] }),
    errors: [
      `spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1`,
      'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
      'spec.rules[0].subjects: Required value: subjects must contain at least one value',
      'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
    ],
  },
  {
    name: 'queues are dealt by hands that fit',
    plural: 'prioritylevelconfigurations',
    object: level({ limitResponse: { type: 'Queue', queuing: { queues: 4, handSize: 8 } } }),
    errors: ['spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)'],
  },
  {
    name: 'who rejects has no queues',
    plural: 'prioritylevelconfigurations',
    object: level({ limitResponse: { type: 'Reject', queuing: {} } }),
    errors: ['spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited'],
  },
  {
    name: 'a claim asks for devices of a class',
    plural: 'resourceclaims',
    object: claim({ requests: [{ name: 'gpu' }, { name: 'gpu', exactly: {} }], constraints: [{ requests: ['tpu'] }] }),
    errors: [
      'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
      'spec.devices.requests[1].exactly.deviceClassName: Required value',
      'spec.devices.requests[1].name: Duplicate value: "gpu"',
      'spec.devices.constraints[0].requests[0]: Invalid value: "tpu": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
      'spec.devices.constraints[0]: Required value: exactly one of `matchAttribute` or `distinctAttribute` is required',
    ],
  },
  {
    name: 'devices of a slice have names, and a slice a place',
    plural: 'resourceslices',
    object: slice({ nodeName: undefined, devices: [{ name: 'a' }, { name: 'a', attributes: { '1x': { int: 1 } } }] }),
    errors: [
      'spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
      `spec.devices[1].attributes[1x]: Invalid value: "1x": a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')`,
      'spec.devices[1].name: Duplicate value: "a"',
    ],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })

t.test('a webhook gets every default of upstream', async t => {
  const config = { service: { name: 'a', namespace: 'b' } }
  const { webhooks } = created('mutatingwebhookconfigurations', hooks(webhook({ clientConfig: config }))) as {
    webhooks?: object[]
  }
  t.match(webhooks?.[0], {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    reinvocationPolicy: 'Never',
    rules: [{ scope: '*' }],
    clientConfig: { service: { port: 443 } },
  })
})

t.test('a group that the server serves itself is available from the start', async t => {
  t.match(cells('apiservices', created('apiservices', service({}))), { Service: 'Local', Available: 'True' })
  const remote = created('apiservices', service({ service: { name: 'm', namespace: 'kube-system' } }))
  t.match(cells('apiservices', remote), { Service: 'kube-system/m', Available: 'Unknown' })
})

t.test('a priority level gets shares and queues', async t => {
  const object = created('prioritylevelconfigurations', level({ limitResponse: { type: 'Queue', queuing: {} } }))
  t.match(cells('prioritylevelconfigurations', object), {
    NominalConcurrencyShares: 30,
    Queues: 64,
    HandSize: 8,
    QueueLengthLimit: 50,
  })
})

t.test('a claim is for one device unless it says otherwise, and never changes', async t => {
  const object = claim({ requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] })
  const wanted = {
    requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 } }],
  }
  t.same(created('resourceclaims', object)['spec'], { devices: wanted })
  t.same(updateErrors('resourceclaims', object, claim({})), ['spec: Invalid value: {"devices":{}}: field is immutable'])
  t.equal(cells('resourceclaims', object)['State'], 'pending')
})

t.test('a policy and its binding show what they are about', async t => {
  const paramKind = { apiVersion: 'example.com/v1', kind: 'Limit' }
  t.match(cells('validatingadmissionpolicies', policy({ paramKind })), {
    Validations: 1,
    ParamKind: 'example.com/v1/Limit',
  })
  const paramRef = { name: 'a', namespace: 'b' }
  t.equal(cells('validatingadmissionpolicybindings', binding({ paramRef }))['ParamRef'], 'b/a')
})
