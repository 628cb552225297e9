import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cells, createErrors, created, metadata, updateErrors } from './sample-objects.ts'

const policy = (spec: object): UnknownObject => ({ metadata: metadata(), spec: { podSelector: {}, ...spec } })
const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'web' }

const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  { name: 'a policy for all pods is fine', plural: 'networkpolicies', object: policy({}), errors: [] },
  {
    name: 'a peer is somebody',
    plural: 'networkpolicies',
    object: policy({ ingress: [{ from: [{}] }] }),
    errors: ['spec.ingress[0].from[0]: Required value: must specify a peer'],
  },
  {
    name: 'a peer is pods or addresses',
    plural: 'networkpolicies',
    object: policy({ egress: [{ to: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }] }),
    errors: ['spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer'],
  },
  {
    name: 'an exception lies within its block and is smaller',
    plural: 'networkpolicies',
    object: policy({
      ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8', '11.0.0.0/16'] } }] }],
    }),
    errors: ['10.0.0.0/8', '11.0.0.0/16'].map(
      (cidr, i) =>
        `spec.ingress[0].from[0].ipBlock.except[${i}]: Invalid value: "${cidr}": must be a strict subset of \`cidr\``,
    ),
  },
  {
    name: 'a range of ports has numbers, in their order',
    plural: 'networkpolicies',
    object: policy({
      ingress: [{ ports: [{ port: 90, endPort: 80 }, { port: 'web', endPort: 80 }, { endPort: 80 }] }],
    }),
    errors: [
      'spec.ingress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to `port`',
      'spec.ingress[0].ports[1].endPort: Invalid value: 80: may not be specified when `port` is non-numeric',
      'spec.ingress[0].ports[2].endPort: Invalid value: 80: may not be specified when `port` is not specified',
    ],
  },
  {
    name: 'there are two types of policy',
    plural: 'networkpolicies',
    object: policy({ policyTypes: ['Sideways'] }),
    errors: ['spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Ingress", "Egress"'],
  },
  {
    name: 'an IPAddress belongs to something',
    plural: 'ipaddresses',
    object: { metadata: { name: '10.96.0.9' }, spec: { parentRef: {} } },
    errors: ['spec.parentRef.resource: Required value', 'spec.parentRef.name: Required value'],
  },
  {
    name: 'a ServiceCIDR has a range',
    plural: 'servicecidrs',
    object: { metadata: { name: 'x' }, spec: {} },
    errors: ['spec.cidrs: Required value: at least one CIDR required'],
  },
  {
    name: 'a ServiceCIDR has one range of a family',
    plural: 'servicecidrs',
    object: { metadata: { name: 'x' }, spec: { cidrs: ['10.0.0.0/16', '10.1.0.0/16'] } },
    errors: [
      'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
    ],
  },
  {
    name: 'a budget says one thing',
    plural: 'poddisruptionbudgets',
    object: { metadata: metadata(), spec: { minAvailable: 1, maxUnavailable: 1 } },
    errors: [
      'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
    ],
  },
  {
    name: 'a share is at most all',
    plural: 'poddisruptionbudgets',
    object: { metadata: metadata(), spec: { minAvailable: '101%', unhealthyPodEvictionPolicy: 'Never' } },
    errors: [
      'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })

t.test('a policy is for what comes in, and for what goes out where it says so', async t => {
  const typesOf = (spec: object) =>
    (created('networkpolicies', policy(spec))['spec'] as { policyTypes: string[] }).policyTypes
  t.same(typesOf({}), ['Ingress'])
  t.same(typesOf({ egress: [{}] }), ['Ingress', 'Egress'])
  t.same(typesOf({ policyTypes: ['Egress'] }), ['Egress'])
})

t.test('an address keeps its owner, and shows it', async t => {
  const object = { metadata: { name: '10.96.0.9' }, spec: { parentRef } }
  const next = { ...parentRef, name: 'other' }
  t.same(updateErrors('ipaddresses', object, { ...object, spec: { parentRef: next } }), [
    `spec.parentRef: Invalid value: ${JSON.stringify(next)}: field is immutable`,
  ])
  t.equal(cells('ipaddresses', object)['ParentRef'], 'services/default/web')
})

t.test('a ServiceCIDR may get a range of the other family, and nothing else', async t => {
  const cidr = (...cidrs: string[]) => ({ metadata: { name: 'x' }, spec: { cidrs } })
  t.same(updateErrors('servicecidrs', cidr('10.0.0.0/16'), cidr('10.0.0.0/16', 'fd00::/108')), [])
  t.same(updateErrors('servicecidrs', cidr('10.0.0.0/16'), cidr('10.1.0.0/16')), [
    'spec.cidrs: Invalid value: ["10.1.0.0/16"]: field is immutable',
  ])
})

t.test('a new budget allows nothing', async t => {
  const object = { metadata: metadata(), spec: { maxUnavailable: 1 }, status: { disruptionsAllowed: 5 } }
  t.same(created('poddisruptionbudgets', object)['status'], {
    currentHealthy: 0,
    desiredHealthy: 0,
    disruptionsAllowed: 0,
    expectedPods: 0,
  })
  t.match(cells('poddisruptionbudgets', object), {
    'Min Available': 'N/A',
    'Max Unavailable': 1,
    'Allowed Disruptions': 5,
  })
})
