import t from 'tap'
import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cells, deployment, kindOf, metadata, pod } from './sample-objects.ts'

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`

const headers: Record<string, string> = {
  pods: 'Name Ready Status Restarts Age | IP Node Nominated Node Readiness Gates',
  deployments: 'Name Ready Up-to-date Available Age | Containers Images Selector',
  replicasets: 'Name Desired Current Ready Age | Containers Images Selector',
  services: 'Name Type Cluster-IP External-IP Port(s) Age | Selector',
  nodes: 'Name Status Roles Age Version | Internal-IP External-IP OS-Image Kernel-Version Container-Runtime',
  namespaces: 'Name Status Age |',
  endpoints: 'Name Endpoints Age |',
  endpointslices: 'Name AddressType Ports Endpoints Age |',
  configmaps: 'Name Data Age |',
  secrets: 'Name Type Data Age |',
  serviceaccounts: 'Name Secrets Age |',
  events: 'Last Seen Type Reason Object Message | Subobject Source First Seen Count Name',
  leases: 'Name Holder Age |',
  ingresses: 'Name Class Hosts Address Ports Age |',
  ingressclasses: 'Name Controller Parameters Age |',
  validatingwebhookconfigurations: 'Name Webhooks Age |',
  mutatingwebhookconfigurations: 'Name Webhooks Age |',
  validatingadmissionpolicies: 'Name Validations ParamKind Age |',
  validatingadmissionpolicybindings: 'Name PolicyName ParamRef Age |',
  apiservices: 'Name Service Available Age |',
  flowschemas: 'Name PriorityLevel MatchingPrecedence DistinguisherMethod Age MissingPL |',
  prioritylevelconfigurations: 'Name Type NominalConcurrencyShares Queues HandSize QueueLengthLimit Age |',
  deviceclasses: 'Name Age |',
  resourceclaims: 'Name State Age |',
  resourceclaimtemplates: 'Name Age |',
  resourceslices: 'Name Node Driver Pool Age |',
  certificatesigningrequests: 'Name Age SignerName Requestor RequestedDuration Condition |',
  networkpolicies: 'Name Pod-Selector Age |',
  ipaddresses: 'Name ParentRef |',
  servicecidrs: 'Name CIDRs Age |',
  poddisruptionbudgets: 'Name Min Available Max Unavailable Allowed Disruptions Age |',
  storageclasses: 'Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age |',
  volumeattachments: 'Name Attacher PV Node Attached Age |',
  csidrivers: 'Name AttachRequired PodInfoOnMount StorageCapacity TokenRequests RequiresRepublish Modes Age |',
  csinodes: 'Name Drivers Age |',
  csistoragecapacities: 'Name StorageClassName Capacity |',
  volumeattributesclasses: 'Name DriverName Age |',
  runtimeclasses: 'Name Handler Age |',
  roles: 'Name Created At |',
  clusterroles: 'Name Created At |',
  rolebindings: 'Name Role Age | Users Groups ServiceAccounts',
  clusterrolebindings: 'Name Role Age | Users Groups ServiceAccounts',
  statefulsets: 'Name Ready Age | Containers Images',
  daemonsets: 'Name Desired Current Ready Up-to-date Available Node Selector Age | Containers Images Selector',
  controllerrevisions: 'Name Controller Revision Age |',
  jobs: 'Name Status Completions Duration Age | Containers Images Selector',
  cronjobs: 'Name Schedule Timezone Suspend Active Last Schedule Age | Containers Images Selector',
  horizontalpodautoscalers: 'Name Reference Targets MinPods MaxPods Replicas Age |',
  replicationcontrollers: 'Name Desired Current Ready Age | Containers Images Selector',
  podtemplates: 'Name Containers Images Pod Labels |',
  limitranges: 'Name Created At |',
  resourcequotas: 'Name Request Limit Age |',
  persistentvolumes:
    'Name Capacity Access Modes Reclaim Policy Status Claim StorageClass VolumeAttributesClass Reason Age | VolumeMode',
  persistentvolumeclaims:
    'Name Status Volume Capacity Access Modes StorageClass VolumeAttributesClass Age | VolumeMode',
  priorityclasses: 'Name Value Global-Default Age PreemptionPolicy |',
}
for (const [plural, text] of Object.entries(headers))
  t.test(`${plural} are shown as ${text}`, async t => {
    const { columns } = kindOf(plural)
    const names = (priority: 0 | 1) => columns.filter(c => c.priority === priority).map(c => c.name)
    t.equal([...names(0), '|', ...names(1)].join(' '), text)
  })

t.test('every kind has its columns named above', async t => {
  t.same([...new Set(builtinKinds.map(kind => kind.plural))].sort(), Object.keys(headers).sort())
})

const rows: { plural: string; object: UnknownObject; shown: Record<string, unknown> }[] = [
  {
    plural: 'pods',
    object: pod(
      { nodeName: 'n1', readinessGates: [{ conditionType: 'a' }] },
      {
        metadata: metadata({ creationTimestamp: at(30) }),
        status: { podIPs: [{ ip: '10.244.0.5' }], conditions: [{ type: 'a', status: 'True' }] },
      },
    ),
    shown: { Age: '30m', IP: '10.244.0.5', Node: 'n1', 'Nominated Node': '<none>', 'Readiness Gates': '1/1' },
  },
  {
    plural: 'deployments',
    object: deployment({ replicas: 3 }, { status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } }),
    shown: {
      Ready: '2/3',
      'Up-to-date': 3,
      Available: 1,
      Containers: 'main',
      Images: 'nginx:1.27',
      Selector: 'app=web',
    },
  },
  {
    plural: 'replicasets',
    object: deployment({ replicas: 3 }, { status: { replicas: 3, readyReplicas: 1 } }),
    shown: { Desired: 3, Current: 3, Ready: 1 },
  },
  {
    plural: 'services',
    object: {
      metadata: metadata(),
      spec: {
        type: 'NodePort',
        clusterIP: '10.96.0.9',
        clusterIPs: ['10.96.0.9'],
        selector: { b: '2', a: '1' },
        ports: [
          { port: 80, nodePort: 30080, protocol: 'TCP' },
          { port: 53, protocol: 'UDP' },
        ],
      },
    },
    shown: {
      Type: 'NodePort',
      'Cluster-IP': '10.96.0.9',
      'External-IP': '<none>',
      'Port(s)': '80:30080/TCP,53/UDP',
      Selector: 'a=1,b=2',
    },
  },
  {
    plural: 'services',
    object: { metadata: metadata(), spec: { type: 'ExternalName', externalName: 'x.example' } },
    shown: { 'Cluster-IP': '<none>', 'External-IP': 'x.example', 'Port(s)': '<none>', Selector: '<none>' },
  },
  {
    plural: 'services',
    object: { metadata: metadata(), spec: { type: 'LoadBalancer', ports: [] } },
    shown: { 'External-IP': '<pending>' },
  },
  {
    plural: 'nodes',
    object: {
      metadata: {
        name: 'n',
        labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '192.168.0.5' }],
        nodeInfo: {
          kubeletVersion: 'v1.34.0',
          osImage: 'Debian',
          kernelVersion: '6.1',
          containerRuntimeVersion: 'docker://20',
        },
      },
    },
    shown: {
      Status: 'Ready,SchedulingDisabled',
      Roles: 'control-plane,worker',
      Version: 'v1.34.0',
      'Internal-IP': '192.168.0.5',
      'External-IP': '<none>',
      'OS-Image': 'Debian',
      'Kernel-Version': '6.1',
      'Container-Runtime': 'docker://20',
    },
  },
  { plural: 'nodes', object: { metadata: { name: 'n' } }, shown: { Status: 'Unknown', Roles: '<none>' } },
  {
    plural: 'endpoints',
    object: {
      metadata: metadata(),
      subsets: [{ addresses: ['1', '2', '3', '4', '5'].map(n => ({ ip: `10.0.0.${n}` })), ports: [{ port: 80 }] }],
    },
    shown: { Endpoints: '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...' },
  },
  { plural: 'endpoints', object: { metadata: metadata() }, shown: { Endpoints: '<none>' } },
  {
    plural: 'endpointslices',
    object: {
      metadata: metadata(),
      addressType: 'IPv4',
      ports: [{ port: 80 }, {}],
      endpoints: [{ addresses: ['10.0.0.1'] }],
    },
    shown: { AddressType: 'IPv4', Ports: '80,*', Endpoints: '10.0.0.1' },
  },
  {
    plural: 'configmaps',
    object: { metadata: metadata(), data: { a: '' }, binaryData: { b: '' } },
    shown: { Data: 2 },
  },
  {
    plural: 'events',
    object: {
      metadata: metadata(),
      type: 'Warning',
      reason: 'Failed',
      message: 'no\n',
      count: 4,
      firstTimestamp: at(0),
      lastTimestamp: at(58),
      involvedObject: { kind: 'Pod', name: 'web', fieldPath: 'spec.containers{main}' },
      source: { component: 'kubelet', host: 'n1' },
    },
    shown: {
      'Last Seen': '2m',
      'First Seen': '60m',
      Type: 'Warning',
      Reason: 'Failed',
      Object: 'pod/web',
      Subobject: 'spec.containers{main}',
      Source: 'kubelet, n1',
      Message: 'no',
      Count: '4',
    },
  },
  {
    plural: 'ingresses',
    object: {
      metadata: metadata(),
      spec: { ingressClassName: 'nginx', rules: ['a', 'b', 'c', 'd'].map(host => ({ host })), tls: [{}] },
      status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }, { hostname: 'x' }] } },
    },
    shown: { Class: 'nginx', Hosts: 'a,b,c + 1 more...', Address: '10.0.0.1,x', Ports: '80, 443' },
  },
  {
    plural: 'ingresses',
    object: { metadata: metadata(), spec: { rules: [{}] } },
    shown: { Class: '<none>', Hosts: '*', Address: '', Ports: '80' },
  },
  {
    plural: 'ingressclasses',
    object: {
      metadata: { name: 'x' },
      spec: { controller: 'a/b', parameters: { apiGroup: 'g', kind: 'K', name: 'n' } },
    },
    shown: { Controller: 'a/b', Parameters: 'K.g/n' },
  },
  { plural: 'leases', object: { metadata: metadata(), spec: { holderIdentity: 'n1' } }, shown: { Holder: 'n1' } },
  {
    plural: 'priorityclasses',
    object: { metadata: { name: 'x' }, value: 5, preemptionPolicy: 'Never' },
    shown: { Value: 5, 'Global-Default': false, PreemptionPolicy: 'Never' },
  },
]
for (const { plural, object, shown } of rows)
  t.test(
    `${plural} show ${Object.entries(shown)
      .map(([k, v]) => `${k} ${v}`)
      .join(', ')}`,
    async t => {
      t.match(cells(plural, object), shown)
    },
  )
