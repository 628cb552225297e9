import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { container, createErrors, pod, updateErrors } from './sample-objects.ts'

const label63 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

const cases: { name: string; object: UnknownObject; errors: string[] }[] = [
  { name: 'a small pod is fine', object: pod(), errors: [] },
  { name: 'a pod needs containers', object: pod({ containers: [] }), errors: ['spec.containers: Required value'] },
  {
    name: 'a container needs a name and an image',
    object: pod({ containers: [{}] }),
    errors: ['spec.containers[0].name: Required value', 'spec.containers[0].image: Required value'],
  },
  {
    name: "a container's name is a DNS label",
    object: container({ name: 'Main' }),
    errors: [`spec.containers[0].name: Invalid value: "Main": ${label63}`],
  },
  {
    name: 'an image has no blanks around it',
    object: container({ image: ' busybox' }),
    errors: ['spec.containers[0].image: Invalid value: " busybox": must not have leading or trailing whitespace'],
  },
  {
    name: 'two containers have two names',
    object: pod({
      containers: [
        { name: 'a', image: 'b' },
        { name: 'a', image: 'b' },
      ],
    }),
    errors: ['spec.containers[1].name: Duplicate value: "a"'],
  },
  {
    name: 'an init container shares no name with a container',
    object: pod({ initContainers: [{ name: 'main', image: 'b' }] }),
    errors: ['spec.initContainers[0].name: Duplicate value: "main"'],
  },
  {
    name: 'an init container that ends has no probes',
    object: pod({ initContainers: [{ name: 'a', image: 'b', livenessProbe: { exec: { command: ['x'] } } }] }),
    errors: [
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  },
  {
    name: 'a sidecar may have probes',
    object: pod({
      initContainers: [{ name: 'a', image: 'b', restartPolicy: 'Always', livenessProbe: { exec: { command: ['x'] } } }],
    }),
    errors: [],
  },
  {
    name: 'a port has a number between 1 and 65535 and a known protocol',
    object: container({ ports: [{ containerPort: 70000, protocol: 'ICMP' }, {}] }),
    errors: [
      'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
      'spec.containers[0].ports[1].containerPort: Required value',
    ],
  },
  {
    name: 'pull policies are a closed list',
    object: container({ imagePullPolicy: 'Sometimes' }),
    errors: [
      'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
    ],
  },
  {
    name: 'restart policies are a closed list',
    object: pod({ restartPolicy: 'Maybe' }),
    errors: ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
  },
  {
    name: 'requests stay within limits',
    object: container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    errors: ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  },
  {
    name: 'an unknown resource is named',
    object: container({ resources: { limits: { gpu: '1' } } }),
    errors: [
      'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
      'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    ],
  },
  {
    name: 'what is no quantity is named',
    object: container({ resources: { requests: { cpu: 'lots' } } }),
    errors: [
      'spec.containers[0].resources.requests[cpu]: Invalid value: "lots": quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\'',
    ],
  },
  {
    name: 'a mount needs its volume',
    object: container({ volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
    errors: ['spec.containers[0].volumeMounts[0].name: Not found: "data"'],
  },
  {
    name: 'a volume has one source',
    object: pod({ volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/x' } }] }),
    errors: ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  },
  {
    name: 'volumes have their own names',
    object: pod({ volumes: [{ name: 'a' }, { name: 'a' }] }),
    errors: ['spec.volumes[1].name: Duplicate value: "a"'],
  },
  {
    name: 'a file of a volume stays inside it',
    object: pod({ volumes: [{ name: 'a', configMap: { name: 'c', items: [{ key: 'k', path: '../x' }] } }] }),
    errors: [`spec.volumes[0].configMap.items[0].path: Invalid value: "../x": must not contain '..'`],
  },
  {
    name: 'modes are permission bits',
    object: pod({ volumes: [{ name: 'a', secret: { secretName: 's', defaultMode: 512 } }] }),
    errors: [
      'spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
    ],
  },
  {
    name: 'a variable has a name, and a value or its source, not both',
    object: container({
      env: [
        {},
        { name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'B', valueFrom: {} },
      ],
    }),
    errors: [
      'spec.containers[0].env[0].name: Required value',
      'spec.containers[0].env[1].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
      'spec.containers[0].env[2].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
    ],
  },
  {
    name: 'a variable shows only some fields of its pod',
    object: container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.hostNetwork' } } }] }),
    errors: [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.hostNetwork": error converting fieldPath: field label not supported: spec.hostNetwork',
    ],
  },
  {
    name: 'a probe acts in one way, and liveness succeeds at once',
    object: container({
      livenessProbe: { successThreshold: 2 },
      readinessProbe: { exec: { command: ['x'] }, tcpSocket: { port: 80 } },
    }),
    errors: [
      'spec.containers[0].livenessProbe: Required value: must specify a handler type',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      'spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    ],
  },
  {
    name: 'an empty toleration key means all keys, and needs Exists',
    object: pod({ tolerations: [{ value: 'x' }, { key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 }] }),
    errors: [
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      `spec.tolerations[1].effect: Invalid value: "NoSchedule": effect must be 'NoExecute' when \`tolerationSeconds\` is set`,
    ],
  },
  {
    name: 'an affinity term names its topology',
    object: pod({
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {} }] } },
    }),
    errors: [
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty',
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must be non-empty',
      `spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    ],
  },
  {
    name: 'node affinity has terms and known operators',
    object: pod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Near' }] }],
          },
        },
      },
    }),
    errors: [
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
    ],
  },
  {
    name: 'spreading says how far and over what',
    object: pod({ topologySpreadConstraints: [{ maxSkew: 0, whenUnsatisfiable: 'Later' }] }),
    errors: [
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
      'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Later": supported values: "DoNotSchedule", "ScheduleAnyway"',
    ],
  },
  {
    name: 'a pod without cluster DNS brings its own',
    object: pod({ dnsPolicy: 'None' }),
    errors: ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
  },
  {
    name: 'grace below zero is let pass: it is warned of, and taken for a second',
    object: pod({ terminationGracePeriodSeconds: -1 }),
    errors: [],
  },
  {
    name: 'a debug container does not come with the pod',
    object: pod({ ephemeralContainers: [{ name: 'a', image: 'b' }] }),
    errors: ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
  },
  {
    name: 'a gated pod has no node',
    object: pod({ nodeName: 'n', schedulingGates: [{ name: 'a.b/c' }] }),
    errors: ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'],
  },
]
for (const { name, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors('pods', object), errors)
  })

const rules =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

const toleration = { key: 'a', operator: 'Exists', effect: 'NoExecute' }
const changes: { name: string; old?: UnknownObject; next: UnknownObject; errors: string[] }[] = [
  { name: 'an image may change', next: container({ image: 'busybox:2', imagePullPolicy: 'Always' }), errors: [] },
  {
    name: 'labels may change',
    next: { ...pod(), metadata: { name: 'web', namespace: 'default', labels: { a: 'b' } } },
    errors: [],
  },
  {
    name: 'a command may not change, and the refusal shows it',
    next: container({ command: ['sh'] }),
    errors: [`spec: Forbidden: ${rules}\nspec.containers[0].command: <unset> -> ["sh"]`],
  },
  {
    name: 'a node may not change',
    old: pod({ nodeName: 'a' }),
    next: pod({ nodeName: 'b' }),
    errors: [`spec: Forbidden: ${rules}\nspec.nodeName: "a" -> "b"`],
  },
  {
    name: 'containers are neither added nor removed',
    next: pod({
      containers: [
        { name: 'main', image: 'busybox' },
        { name: 'b', image: 'c' },
      ],
    }),
    errors: ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  },
  { name: 'a toleration may be added', next: pod({ tolerations: [toleration] }), errors: [] },
  {
    name: 'a toleration may last longer',
    old: pod({ tolerations: [toleration] }),
    next: pod({ tolerations: [{ ...toleration, tolerationSeconds: 5 }] }),
    errors: [],
  },
  {
    name: 'a toleration may not go',
    old: pod({ tolerations: [toleration] }),
    next: pod(),
    errors: ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  },
  {
    name: 'a deadline only comes nearer',
    old: pod({ activeDeadlineSeconds: 10 }),
    next: pod({ activeDeadlineSeconds: 20 }),
    errors: ['spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value'],
  },
  {
    name: 'a gate may be opened',
    old: pod({ schedulingGates: [{ name: 'a.b/c' }] }),
    next: pod({ nodeSelector: { a: 'b' } }),
    errors: [],
  },
]
for (const { name, old = pod(), next, errors } of changes)
  t.test(`in a pod that exists, ${name}`, async t => {
    t.same(updateErrors('pods', old, next), errors)
  })
