import t, { type Test } from 'tap'
import { type Reply, startTestServer } from '../http/test-server.ts'

const registration = '/apis/admissionregistration.k8s.io/v1'
const configMaps = '/api/v1/namespaces/default/configmaps'

type Server = Awaited<ReturnType<typeof startTestServer>>

const create = (server: Server, path: string, body: object): Promise<Reply> =>
  server.ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

const rule = (resources: string[], apiGroups = ['']) => ({
  apiGroups,
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources,
})

const policy = (name: string, spec: object) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name },
  spec: { matchConstraints: { resourceRules: [rule(['configmaps'])] }, ...spec },
})

const binding = (policyName: string, spec: object = {}) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name: `${policyName}-binding` },
  spec: { policyName, validationActions: ['Deny'], ...spec },
})

const configMap = (name: string, data: object, labels: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
})

const install = async (t: Test, server: Server, spec: object, bound: object = {}) => {
  for (const [path, body] of [
    ['validatingadmissionpolicies', policy('p', spec)],
    ['validatingadmissionpolicybindings', binding('p', bound)],
  ] as const) {
    const reply = await create(server, `${registration}/${path}`, body)
    t.equal(reply.status, 201, reply.text)
  }
}

const denied = (message: string) =>
  `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-binding' denied request: ${message}`

interface Case {
  name: string
  spec: object
  bound?: object
  object?: object
  before?: object[]
  status: number
  message?: string
  reason?: string
  warning?: string
}

const short = { validations: [{ expression: 'object.data.size() < 2' }] }
const two = configMap('a', { x: '1', y: '2' })

const cases: Case[] = [
  {
    name: 'a request that fits is let in',
    spec: short,
    object: configMap('a', { x: '1' }),
    status: 201,
  },
  {
    name: 'one that does not is refused with the expression',
    spec: short,
    status: 422,
    reason: 'Invalid',
    message: denied('failed expression: object.data.size() < 2'),
  },
  {
    name: 'or with the message, and the reason',
    spec: { validations: [{ expression: 'false', message: 'no', reason: 'Forbidden' }] },
    status: 403,
    reason: 'Forbidden',
    message: denied('no'),
  },
  {
    name: 'or with what the message expression says',
    spec: {
      variables: [
        { name: 'keys', expression: 'object.data.map(k, k)' },
        { name: 'count', expression: 'variables.keys.size()' },
      ],
      validations: [
        { expression: 'variables.count < 2', message: 'no', messageExpression: '"has " + string(variables.count)' },
      ],
    },
    status: 422,
    message: denied('has 2'),
  },
  {
    name: 'an expression that fails refuses',
    spec: { validations: [{ expression: 'object.spec.x == 1' }] },
    status: 422,
    message: denied("expression 'object.spec.x == 1' resulted in error: no such key: spec"),
  },
  {
    name: 'unless failures are to be ignored',
    spec: { failurePolicy: 'Ignore', validations: [{ expression: 'object.spec.x == 1' }] },
    status: 201,
  },
  {
    name: 'a match condition that does not hold leaves the request alone',
    spec: { matchConditions: [{ name: 'c', expression: 'request.userInfo.username == "nobody"' }], ...short },
    status: 201,
  },
  {
    name: 'the request, its namespace and the authorizer can be asked',
    spec: {
      validations: [
        {
          expression:
            'request.operation == "CREATE" && namespaceObject.metadata.name == "default" && oldObject == null && ' +
            'authorizer.group("").resource("pods").namespace("default").check("get").allowed() && ' +
            'authorizer.requestResource.check("create").allowed()',
        },
      ],
    },
    status: 201,
  },
  {
    name: 'Warn lets the request in with a warning',
    spec: short,
    bound: { validationActions: ['Warn', 'Audit'] },
    status: 201,
    warning:
      "299 - \"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-binding': failed expression: object.data.size() < 2\"",
  },
  {
    name: 'a binding narrows the policy by labels',
    spec: short,
    bound: { matchResources: { objectSelector: { matchLabels: { checked: 'yes' } } } },
    status: 201,
  },
  {
    name: 'excluded resources are left alone',
    spec: {
      matchConstraints: { resourceRules: [rule(['*'])], excludeResourceRules: [rule(['configmaps'])] },
      ...short,
    },
    status: 201,
  },
  {
    name: 'parameters are read by name, in the namespace of the request',
    spec: {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConditions: [{ name: 'not-the-limits', expression: 'object.metadata.name != "limits"' }],
      validations: [
        { expression: 'object.data.size() <= int(params.data.max)', messageExpression: '"over " + params.data.max' },
      ],
    },
    bound: { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    before: [configMap('limits', { max: '1' })],
    status: 422,
    message: denied('over 1'),
  },
  {
    name: 'parameters that are missing refuse',
    spec: { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, ...short },
    bound: { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    status: 422,
    message: denied(
      'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    ),
  },
  {
    name: 'or let pass, where the binding says so',
    spec: { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, ...short },
    bound: { paramRef: { name: 'limits', parameterNotFoundAction: 'Allow' } },
    status: 201,
  },
  {
    name: 'an expression that runs away is stopped, and refuses',
    spec: {
      validations: [
        {
          expression:
            '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, a + b + c + d + e > 0)))))',
        },
      ],
    },
    status: 422,
    message: denied('validation failed due to running out of cost budget, no further validation rules will be run'),
  },
]

t.test('what policies do with a request', async t => {
  // One server for all: what a case has made is deleted after it.
  const server = await startTestServer(t)
  const made = [
    `${registration}/validatingadmissionpolicies/p`,
    `${registration}/validatingadmissionpolicybindings/p-binding`,
    `${configMaps}/a`,
    `${configMaps}/limits`,
  ]
  for (const { name, spec, bound, object = two, before = [], status, message, reason, warning } of cases)
    await t.test(name, async t => {
      for (const one of before) t.equal((await create(server, configMaps, one)).status, 201)
      await install(t, server, spec, bound)
      const reply = await create(server, configMaps, object)
      t.equal(reply.status, status, reply.text)
      if (message !== undefined) {
        t.equal(reply.json['message'], message)
        t.has(reply.json['details'], { name: 'a', kind: 'configmaps' })
      }
      if (reason !== undefined) t.equal(reply.json['reason'], reason)
      if (warning !== undefined) t.equal(reply.headers['warning'], warning)
      for (const path of made) await server.ask(path, { method: 'DELETE' })
    })
})

t.test('policies are not subject to policies, and one that is deleted holds no longer', async t => {
  const server = await startTestServer(t)
  await install(t, server, {
    matchConstraints: { resourceRules: [rule(['*'], ['*'])] },
    validations: [{ expression: 'false' }],
  })
  t.equal((await create(server, configMaps, two)).status, 422)
  const gone = await server.ask(`${registration}/validatingadmissionpolicies/p`, { method: 'DELETE' })
  t.equal(gone.status, 200, gone.text)
  t.equal((await create(server, configMaps, two)).status, 201)
})

t.test('expressions that cannot be compiled are refused with their place', async t => {
  const server = await startTestServer(t)
  const reply = await create(
    server,
    `${registration}/validatingadmissionpolicies`,
    policy('p', {
      validations: [{ expression: 'object.x > ', messageExpression: '1' }, { expression: 'request.nope == ""' }],
    }),
  )
  t.equal(reply.status, 422)
  t.strictSame((reply.json['details'] as { causes: { field: string; message: string }[] }).causes, [
    {
      reason: 'FieldValueInvalid',
      message:
        'Invalid value: "object.x > ": compilation failed: ERROR: <input>:1:12: Syntax error: Unexpected token: EOF\n | object.x > \n | ...........^',
      field: 'spec.validations[0].expression',
    },
    {
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "1": must evaluate to string',
      field: 'spec.validations[0].messageExpression',
    },
    {
      reason: 'FieldValueInvalid',
      message:
        'Invalid value: "request.nope == \\"\\"": compilation failed: ERROR: <input>:1:8: undefined field \'nope\'\n | request.nope == ""\n | .......^',
      field: 'spec.validations[1].expression',
    },
  ])
})

/** Asks until the status is there; the server has no other way of telling. */
const checkedStatus = async (server: Server): Promise<unknown> => {
  const { session } = server
  const stream = session().request({
    ':path': `${registration}/validatingadmissionpolicies?watch=true&resourceVersion=0`,
  })
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    text += chunk
    for (const line of text.split('\n').slice(0, -1)) {
      const { object } = JSON.parse(line) as { object: { status?: { observedGeneration?: number } } }
      if (object.status?.observedGeneration !== undefined) {
        stream.close()
        return object.status
      }
    }
  }
  return undefined
}

t.test('the types of expressions are checked against the kinds the policy names', async t => {
  const server = await startTestServer(t)
  await install(t, server, {
    matchConstraints: { resourceRules: [rule(['deployments'], ['apps'])] },
    variables: [{ name: 'replicas', expression: 'object.spec.replicas' }],
    validations: [{ expression: 'variables.replicas < 5' }, { expression: 'object.spec.nope > 1' }],
  })
  t.strictSame(await checkedStatus(server), {
    observedGeneration: 1,
    typeChecking: {
      expressionWarnings: [
        {
          fieldRef: 'spec.validations[1].expression',
          warning:
            "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'nope'\n | object.spec.nope > 1\n | ...........^\n",
        },
      ],
    },
  })
})

t.test('match conditions of webhooks that cannot be compiled are refused too', async t => {
  const server = await startTestServer(t)
  const webhook = {
    name: 'a.example.com',
    clientConfig: { url: 'https://127.0.0.1:1/' },
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    rules: [rule(['configmaps'])],
    matchConditions: [{ name: 'c', expression: 'authorizer.path("/x").check("get").allowed() && nope' }],
  }
  const reply = await create(server, `${registration}/validatingwebhookconfigurations`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'w' },
    webhooks: [webhook],
  })
  t.equal(reply.status, 422, reply.text)
  t.match(
    reply.json['message'],
    /webhooks\[0\]\.matchConditions\[0\]\.expression: Invalid value: .*compilation failed: ERROR: <input>:1:49: undeclared reference to 'nope'/,
  )
})
