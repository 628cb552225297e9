import t from 'tap'
import { initFamilies } from '../../../../daemons/apiserver/allocation/service-families.ts'
import type { IpFamily } from '../../../../daemons/apiserver/allocation/service-range.ts'

type Cluster = readonly [IpFamily, ...IpFamily[]]
type Spec = Parameters<typeof initFamilies>[0]

const one: Cluster = ['IPv4']
const both: Cluster = ['IPv4', 'IPv6']
const selector = { app: 'web' }
const v4 = '10.96.0.9'
const v6 = 'fd00:96::9'

const given: { name: string; cluster: Cluster; spec: Spec; before?: Spec; policy: string; families: string[] }[] = [
  {
    name: 'a Service that says nothing has one address',
    cluster: both,
    spec: { selector },
    policy: 'SingleStack',
    families: ['IPv4'],
  },
  {
    name: 'the default family is that of the first range',
    cluster: ['IPv6', 'IPv4'],
    spec: { selector },
    policy: 'SingleStack',
    families: ['IPv6'],
  },
  {
    name: 'PreferDualStack takes what a single-stack cluster has',
    cluster: one,
    spec: { selector, ipFamilyPolicy: 'PreferDualStack' },
    policy: 'PreferDualStack',
    families: ['IPv4'],
  },
  {
    name: 'PreferDualStack takes both families where there are two',
    cluster: both,
    spec: { selector, ipFamilyPolicy: 'PreferDualStack' },
    policy: 'PreferDualStack',
    families: ['IPv4', 'IPv6'],
  },
  {
    name: 'the family that is named comes first',
    cluster: both,
    spec: { selector, ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] },
    policy: 'RequireDualStack',
    families: ['IPv6', 'IPv4'],
  },
  {
    name: 'an address names its family',
    cluster: both,
    spec: { selector, clusterIP: v6, clusterIPs: [v6] },
    policy: 'SingleStack',
    families: ['IPv6'],
  },
  {
    name: 'a headless Service without a selector has both families, also where the cluster has one',
    cluster: one,
    spec: { clusterIP: 'None', clusterIPs: ['None'] },
    policy: 'RequireDualStack',
    families: ['IPv4', 'IPv6'],
  },
  {
    name: 'a headless Service with a selector is like any other',
    cluster: one,
    spec: { clusterIP: 'None', clusterIPs: ['None'], selector },
    policy: 'SingleStack',
    families: ['IPv4'],
  },
  {
    name: 'an update that leaves out the policy keeps it',
    cluster: both,
    spec: { selector, clusterIP: v4, clusterIPs: [v4, v6] },
    before: { clusterIPs: [v4, v6], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    policy: 'RequireDualStack',
    families: ['IPv4', 'IPv6'],
  },
  {
    name: 'a Service that prefers two stays as it is when the cluster gets a second family',
    cluster: both,
    spec: { selector, clusterIP: v4, clusterIPs: [v4], ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' },
    before: { clusterIPs: [v4], ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' },
    policy: 'PreferDualStack',
    families: ['IPv4'],
  },
  {
    name: 'a Service of two families stays as it is when the cluster loses one',
    cluster: one,
    spec: { selector, clusterIP: v4, clusterIPs: [v4, v6], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' }, // prettier-ignore
    before: { clusterIPs: [v4, v6], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' },
    policy: 'PreferDualStack',
    families: ['IPv4', 'IPv6'],
  },
]
for (const { name, cluster, spec, before, policy, families } of given)
  t.test(name, async t => {
    const filled = structuredClone(spec)
    t.same(initFamilies(filled, before, cluster), [])
    t.equal(filled.ipFamilyPolicy, policy)
    t.same(filled.ipFamilies, families)
  })

const dual: Spec = { clusterIP: v4, clusterIPs: [v4, v6], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' } // prettier-ignore
const refused: { name: string; cluster: Cluster; spec: Spec; before?: Spec; errors: string[] }[] = [
  {
    name: 'RequireDualStack on a single-stack cluster',
    cluster: one,
    spec: { selector, ipFamilyPolicy: 'RequireDualStack' },
    errors: [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
  },
  {
    name: 'a family that the cluster has not',
    cluster: one,
    spec: { selector, ipFamilies: ['IPv6'] },
    errors: ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
  },
  {
    name: 'an address of a family that the cluster has not',
    cluster: one,
    spec: { selector, clusterIP: v6, clusterIPs: [v6] },
    errors: [`spec.clusterIPs[0]: Invalid value: ["${v6}"]: IPv6 is not configured on this cluster`],
  },
  {
    name: 'two families for SingleStack',
    cluster: both,
    spec: { selector, ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] },
    errors: [
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    ],
  },
  {
    name: 'two addresses without a policy',
    cluster: both,
    spec: { selector, clusterIP: v4, clusterIPs: [v4, v6] },
    errors: [
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
    ],
  },
  {
    name: 'two addresses of one family',
    cluster: both,
    spec: { selector, clusterIP: v4, clusterIPs: [v4, '10.96.0.10'], ipFamilyPolicy: 'RequireDualStack' },
    errors: [
      `spec.clusterIPs: Invalid value: ["${v4}","10.96.0.10"]: may specify no more than one IP for each IP family`,
    ],
  },
  {
    name: 'one family twice',
    cluster: both,
    spec: { selector, ipFamilies: ['IPv4', 'IPv4'] },
    errors: ['spec.ipFamilies[1]: Duplicate value: "IPv4"'],
  },
  {
    name: 'addresses without the first of them in clusterIP',
    cluster: both,
    spec: { selector, clusterIPs: [v4] },
    errors: [`spec.clusterIPs: Invalid value: ["${v4}"]: must be empty when \`clusterIP\` is not specified`],
  },
  {
    name: 'giving the second address back without saying SingleStack',
    cluster: both,
    spec: { ...dual, clusterIPs: [v4], ipFamilies: ['IPv4'] },
    before: dual,
    errors: [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary cluster IP',
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary IP family',
    ],
  },
]
for (const { name, cluster, spec, before, errors } of refused)
  t.test(`${name}: refused in upstream's words`, async t => {
    const found = initFamilies(structuredClone(spec), before, cluster)
    t.same(
      found.map(({ field, message }) => `${field}: ${message}`),
      errors,
    )
  })
