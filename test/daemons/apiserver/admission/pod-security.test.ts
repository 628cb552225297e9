import t from 'tap'
import { podSecurityPlugin } from '../../../../daemons/apiserver/admission/pod-security/pod-security.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { admitBy, podRow, row } from './plugin-fixture.ts'

const namespace = (labels: Record<string, string>, name = 'default'): UnknownObject => ({
  metadata: {
    name,
    labels: Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]),
    ),
  },
})

const hardened = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}

const pod = (spec: object = {}, container: object = {}): UnknownObject => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { containers: [{ name: 'a', securityContext: hardened, ...container }], ...spec },
})

const context = (more: object) => pod({}, { securityContext: { ...hardened, ...more } })

/** `found`: what is said after the level; undefined: the pod is let in. */
const cases: { name: string; level: string; pod: UnknownObject; found?: string }[] = [
  { name: 'a plain pod is within the baseline', level: 'baseline', pod: pod({}, { securityContext: {} }) },
  {
    name: 'a plain pod is not restricted',
    level: 'restricted',
    pod: pod({}, { securityContext: undefined }),
    found:
      'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  },
  { name: 'a hardened pod is restricted', level: 'restricted', pod: pod() },
  {
    name: 'a pod may say for its containers what they leave out',
    level: 'restricted',
    pod: pod(
      { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost' } } },
      {
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
        },
      },
    ),
  },
  {
    name: 'host namespaces',
    level: 'baseline',
    pod: pod({ hostNetwork: true, hostPID: true }),
    found: 'host namespaces (hostNetwork=true, hostPID=true)',
  },
  {
    name: 'host paths, in the baseline',
    level: 'baseline',
    pod: pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    found: 'hostPath volumes (volume "v")',
  },
  {
    name: 'volumes, restricted',
    level: 'restricted',
    pod: pod({
      volumes: [
        { name: 'v', hostPath: { path: '/' } },
        { name: 'w', nfs: {} },
        { name: 'x', emptyDir: {} },
      ],
    }),
    found: 'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
  },
  {
    name: 'host ports',
    level: 'baseline',
    pod: pod({}, { ports: [{ containerPort: 80, hostPort: 8080 }] }),
    found: 'hostPort (container "a" uses hostPort 8080)',
  },
  {
    name: 'privileged containers, of every sort',
    level: 'baseline',
    pod: pod(
      { initContainers: [{ name: 'i', securityContext: { privileged: true } }] },
      { securityContext: { privileged: true } },
    ),
    found: 'privileged (containers "i", "a" must not set securityContext.privileged=true)',
  },
  {
    name: 'capabilities, in the baseline',
    level: 'baseline',
    pod: context({ capabilities: { add: ['NET_ADMIN', 'CHOWN'] } }),
    found: 'non-default capabilities (container "a" must not include "NET_ADMIN" in securityContext.capabilities.add)',
  },
  {
    name: 'capabilities, restricted',
    level: 'restricted',
    pod: context({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } }),
    found: 'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
  },
  {
    name: 'AppArmor profiles',
    level: 'baseline',
    pod: pod({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
    found: 'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
  },
  {
    name: 'procMount',
    level: 'baseline',
    pod: context({ procMount: 'Unmasked' }),
    found: 'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
  },
  {
    name: 'SELinux options',
    level: 'baseline',
    pod: context({ seLinuxOptions: { type: 'spc_t', user: 'u' } }),
    found:
      'seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
  },
  {
    name: 'seccomp, in the baseline',
    level: 'baseline',
    pod: context({ seccompProfile: { type: 'Unconfined' } }),
    found: 'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
  },
  {
    name: 'sysctls',
    level: 'baseline',
    pod: pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax' }, { name: 'net.ipv4.tcp_rmem' }] } }),
    found: 'forbidden sysctls (kernel.msgmax)',
  },
  {
    name: 'sysctls that an older standard does not know',
    level: 'baseline:v1.31',
    pod: pod({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem' }] } }),
    found: 'forbidden sysctls (net.ipv4.tcp_rmem)',
  },
  {
    name: 'hosts of probes',
    level: 'baseline',
    pod: pod({}, { livenessProbe: { httpGet: { host: '1.2.3.4', port: 80 } } }),
    found: 'probe or lifecycle host (container "a" uses probe or lifecycle host "1.2.3.4")',
  },
  {
    name: 'hosts of probes, which an older standard lets be',
    level: 'baseline:v1.33',
    pod: pod({}, { livenessProbe: { httpGet: { host: '1.2.3.4', port: 80 } } }),
  },
  {
    name: 'host processes',
    level: 'baseline',
    pod: pod({ securityContext: { windowsOptions: { hostProcess: true } } }),
    found: 'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
  },
  {
    name: 'root by number',
    level: 'restricted',
    pod: context({ runAsUser: 0 }),
    found: 'runAsUser=0 (container "a" must not set runAsUser=0)',
  },
  {
    name: 'root by saying so',
    level: 'restricted',
    pod: context({ runAsNonRoot: false }),
    found: 'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
  },
  { name: 'everything, privileged', level: 'privileged', pod: pod({ hostNetwork: true }) },
  {
    name: 'a level that cannot be read, taken for the strictest',
    level: 'strict',
    pod: context({ runAsUser: 0 }),
    found: 'runAsUser=0 (container "a" must not set runAsUser=0)',
  },
]
for (const { name, level, pod: object, found } of cases)
  void t.test(`${level}: ${name}`, async t => {
    const [enforce = '', version = 'latest'] = level.split(':')
    const stored = { namespaces: [namespace({ enforce, 'enforce-version': version })] }
    const { refusal } = await admitBy(podSecurityPlugin, { kind: podRow, object }, { stored })
    const shown = `${enforce === 'strict' ? 'restricted' : enforce}:${version}`
    t.equal(refusal, found && `pods "web" is forbidden: violates PodSecurity "${shown}": ${found}`)
  })

void t.test('what is not enforced is warned of, and noted for the audit', async t => {
  const stored = { namespaces: [namespace({ warn: 'baseline', audit: 'restricted' })] }
  const object = pod({ hostPID: true })
  const { refusal, warnings, annotations } = await admitBy(podSecurityPlugin, { kind: podRow, object }, { stored })
  t.equal(refusal, undefined)
  t.same(warnings, ['would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)'])
  t.same(annotations, {
    'pod-security.kubernetes.io/enforce-policy': 'privileged:latest',
    'pod-security.kubernetes.io/audit-violations':
      'would violate PodSecurity "restricted:latest": host namespaces (hostPID=true)',
  })
})

void t.test('a workload is warned of for its pods, and let in', async t => {
  const stored = { namespaces: [namespace({ enforce: 'restricted', warn: 'baseline' })] }
  const template = pod({ hostIPC: true })
  const workloads: [string, string, string, object][] = [
    ['apps', 'deployments', 'Deployment', { template }],
    ['batch', 'cronjobs', 'CronJob', { jobTemplate: { spec: { template } } }],
  ]
  for (const [group, plural, kind, spec] of workloads) {
    const object = { metadata: { name: 'w', namespace: 'default' }, spec }
    const outcome = await admitBy(podSecurityPlugin, { kind: row(group, plural, kind), object }, { stored })
    t.equal(outcome.refusal, undefined)
    t.same(outcome.warnings, ['would violate PodSecurity "baseline:latest": host namespaces (hostIPC=true)'])
  }
})

void t.test('a pod that runs may be labelled, whatever its namespace has come to enforce', async t => {
  const stored = { namespaces: [namespace({ enforce: 'baseline' })] }
  const old = pod({ hostPID: true })
  const request = { kind: podRow, operation: 'update', object: { ...old, metadata: { name: 'web' } }, old } as const
  t.equal((await admitBy(podSecurityPlugin, request, { stored })).refusal, undefined)
})

const namespaceRow = row('', 'namespaces', 'Namespace', false)

void t.test('labels that name no level are refused where they are set', async t => {
  const object = namespace({ enforce: 'strict', 'warn-version': '1.25' }, 'team')
  t.equal(
    (await admitBy(podSecurityPlugin, { kind: namespaceRow, object })).refusal,
    'Namespace "team" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.25": must be "latest" or "v1.x"]',
  )
})

void t.test('whoever makes a namespace stricter is told which pods would not be let in', async t => {
  const old = namespace({}, 'default')
  const object = namespace({ enforce: 'baseline' }, 'default')
  const pods = ['a', 'b', 'c'].map(name => ({ ...pod({ hostPID: true }), metadata: { name, namespace: 'default' } }))
  const request = { kind: namespaceRow, operation: 'update', object, old } as const
  t.same((await admitBy(podSecurityPlugin, request, { stored: { pods } })).warnings, [
    'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
    'a (and 2 other pods): host namespaces',
  ])
})
