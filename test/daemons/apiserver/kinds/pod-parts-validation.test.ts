import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { container, createErrors, pod } from './sample-objects.ts'

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

const volumes = [
  { name: 'v', emptyDir: {} },
  { name: 'claim', persistentVolumeClaim: { claimName: 'c' } },
]
const mounted = (fields: object): UnknownObject =>
  pod({ volumes, containers: [{ name: 'main', image: 'b', ...fields }] })
const volume = (source: object): UnknownObject => pod({ volumes: [{ name: 'v', ...source }] })

/** Checked side by side with upstream's server. */
const cases: { name: string; object: UnknownObject; errors: string[] }[] = [
  {
    name: 'a termination message policy is one of two, as they are declared',
    object: container({ terminationMessagePolicy: 'Maybe' }),
    errors: [
      'spec.containers[0].terminationMessagePolicy: Unsupported value: "Maybe": supported values: "File", "FallbackToLogsOnError"',
    ],
  },
  {
    name: 'a key of a ConfigMap or a Secret names it',
    object: container({ env: [{ name: 'A', valueFrom: { secretKeyRef: { key: 'k' } } }] }),
    errors: [`spec.containers[0].env[0].valueFrom.secretKeyRef.name: Invalid value: "": ${subdomain}`],
  },
  {
    name: 'a source of variables is named by its list when it is none',
    object: container({ envFrom: [{}, { configMapRef: { name: 'Bad' } }] }),
    errors: [
      'spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
      `spec.containers[0].envFrom[1].configMapRef.name: Invalid value: "Bad": ${subdomain}`,
    ],
  },
  {
    name: 'fields of the pod are those of v1',
    object: container({
      env: [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v2', fieldPath: 'metadata.name' } } }],
    }),
    errors: [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.name": error converting fieldPath: unsupported pod version: v2',
    ],
  },
  {
    name: 'processors are counted in wholes or thousandths',
    object: container({
      env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } }],
    }),
    errors: [
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
    ],
  },
  {
    name: 'a mount has a name, and that of a volume',
    object: mounted({ volumeMounts: [{}] }),
    errors: [
      'spec.containers[0].volumeMounts[0].name: Required value',
      'spec.containers[0].volumeMounts[0].name: Not found: ""',
      'spec.containers[0].volumeMounts[0].mountPath: Required value',
    ],
  },
  {
    name: 'mounts flow back to the node from privileged containers alone',
    object: mounted({ volumeMounts: [{ name: 'v', mountPath: '/m', mountPropagation: 'Bidirectional' }] }),
    errors: [
      'spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers',
    ],
  },
  {
    name: 'a path within a volume stays in it',
    object: mounted({ volumeMounts: [{ name: 'v', mountPath: '/m', subPath: '../x' }] }),
    errors: ['spec.containers[0].volumeMounts.subPath: Invalid value: "../x": must not contain \'..\''],
  },
  {
    name: 'mounts below a mount are read-only where it is',
    object: mounted({ volumeMounts: [{ name: 'v', mountPath: '/m', recursiveReadOnly: 'Enabled' }] }),
    errors: [
      'spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true',
    ],
  },
  {
    name: 'a raw device is a claim, and no mount',
    object: mounted({
      volumeDevices: [{ name: 'v', devicePath: '/dev/a' }, { name: 'claim', devicePath: '/dev/a' }, { name: 'none' }],
      volumeMounts: [{ name: 'claim', mountPath: '/c' }],
    }),
    errors: [
      'spec.containers[0].volumeMounts[0].name: Invalid value: "claim": must not already exist in volumeDevices',
      'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      'spec.containers[0].volumeDevices[1].devicePath: Invalid value: "/dev/a": must be unique',
      'spec.containers[0].volumeDevices[1].name: Invalid value: "claim": must not already exist in volumeMounts',
      'spec.containers[0].volumeDevices[2].name: Not found: "none"',
      'spec.containers[0].volumeDevices[2].devicePath: Required value',
    ],
  },
  {
    name: 'a header of a probe has a name',
    object: container({ readinessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'a b', value: 'c' }] } } }),
    errors: [
      "spec.containers[0].readinessProbe.httpGet.httpHeaders: Invalid value: \"a b\": a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
    ],
  },
  {
    name: 'a sleep before the end fits into what the pod has to end in',
    object: container({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }),
    errors: [
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)',
    ],
  },
  {
    name: 'a seccomp profile says which',
    object: container({ securityContext: { seccompProfile: {} } }),
    errors: [
      'spec.containers[0].securityContext.seccompProfile.type: Required value: type is required when seccompProfile is set',
    ],
  },
  {
    name: "a seccomp profile of the node's own names its file",
    object: pod({ securityContext: { seccompProfile: { type: 'Localhost' } } }),
    errors: [
      'spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost',
    ],
  },
  {
    name: "an AppArmor profile has a name where it is the node's own, and else none",
    object: container({ securityContext: { appArmorProfile: { type: 'Unconfined', localhostProfile: 'x' } } }),
    errors: [
      'spec.containers[0].securityContext.appArmorProfile.localhostProfile: Invalid value: "x": can only be set when AppArmor type is Localhost',
    ],
  },
  {
    name: "/proc is unmasked in a user namespace of the pod's own alone",
    object: container({ securityContext: { procMount: 'Unmasked' } }),
    errors: [
      'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
    ],
  },
  {
    name: 'a policy for the group of files is one of two',
    object: pod({ securityContext: { fsGroupChangePolicy: '' } }),
    errors: [
      'spec.securityContext.fsGroupChangePolicy: Unsupported value: "": supported values: "Always", "OnRootMismatch"',
    ],
  },
  {
    name: "a sysctl of the network is not set in the node's network",
    object: pod({ hostNetwork: true, securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] } }),
    errors: [
      'spec.securityContext.sysctls[0].name: Invalid value: "net.core.somaxconn": may not be specified when \'hostNetwork\' is true',
    ],
  },
  {
    name: 'a search domain may have underscores and be the root',
    object: pod({ dnsConfig: { searches: ['_a.b', '.', 'a.', 'A'] } }),
    errors: [
      "spec.dnsConfig.searches[3]: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  { name: 'a scheduler may be called anything', object: pod({ schedulerName: 'My Scheduler!' }), errors: [] },
  {
    name: 'keys of a volume are checked by the kubelet, when they are there',
    object: volume({ secret: { secretName: 's', items: [{ key: 'a b', path: 'p' }] } }),
    errors: [],
  },
  {
    name: 'two files of a projected volume have two paths',
    object: volume({
      projected: {
        sources: [
          { secret: { name: 's', items: [{ key: 'k', path: 'p' }] } },
          { configMap: { name: 'c', items: [{ key: 'k', path: 'p' }] } },
        ],
      },
    }),
    errors: ['spec.volumes[0].projected: Invalid value: "c": conflicting duplicate paths'],
  },
  {
    name: 'a CSI driver is named by a domain',
    object: volume({ csi: { driver: 'a_b', nodePublishSecretRef: {} } }),
    errors: [
      `spec.volumes[0].csi.driver: Invalid value: "a_b": ${subdomain}`,
      'spec.volumes[0].csi.nodePublishSecretRef .name: Required value',
    ],
  },
  {
    name: 'an iSCSI target has a name of one of three forms, and a unit',
    object: volume({ iscsi: { targetPortal: '1.2.3.4', iqn: 'x', lun: 300 } }),
    errors: [
      'spec.volumes[0].iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa',
      'spec.volumes[0].iscsi.lun: Invalid value: 300: must be between 0 and 255, inclusive',
    ],
  },
  {
    name: 'a volume of a storage network says where it is',
    object: volume({ rbd: {} }),
    errors: ['spec.volumes[0].rbd.monitors: Required value', 'spec.volumes[0].rbd.image: Required value'],
  },
  {
    name: 'a claim made for the pod is a claim',
    object: volume({ ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'] } } } }),
    errors: ['spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value'],
  },
  {
    name: 'of bounds that stand twice the first is named',
    object: pod({
      topologySpreadConstraints: [1, 2].map(maxSkew => ({
        maxSkew,
        topologyKey: 'z',
        whenUnsatisfiable: 'DoNotSchedule',
      })),
    }),
    errors: [
      'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, DoNotSchedule}"',
    ],
  },
  {
    name: 'one node is asked for by its name',
    object: pod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a', 'B'] }] }],
          },
        },
      },
    }),
    errors: [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values[1]: Invalid value: "B": ${subdomain}`,
    ],
  },
  {
    name: 'a port of the host is that of the container in the network of the host',
    object: pod({
      hostNetwork: true,
      containers: [{ name: 'm', image: 'b', ports: [{ containerPort: 80, hostPort: 81 }] }],
    }),
    errors: [
      'spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true',
    ],
  },
  {
    name: 'a pod that never restarts is resized without a restart',
    object: pod({
      restartPolicy: 'Never',
      containers: [
        { name: 'm', image: 'b', resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] },
      ],
    }),
    errors: [
      "spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when `restartPolicy` is 'Never'",
    ],
  },
]
for (const { name, object, errors } of cases) t.test(name, async t => { t.same(createErrors('pods', object), errors) }) // prettier-ignore
