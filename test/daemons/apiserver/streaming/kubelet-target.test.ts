import t from 'tap'
import type { Pod } from 'kubernetes-types/core/v1.js'
import {
  chooseContainer,
  kubeletAddress,
  kubeletPath,
  waitingMessage,
} from '../../../../daemons/apiserver/streaming/kubelet-target.ts'
import type { StreamTarget } from '../../../../daemons/apiserver/streaming/streaming-subresource.ts'

const podWith = (containers: string[], more: object = {}): Pod => ({
  metadata: { name: 'x', namespace: 'default', uid: 'u1' },
  spec: { nodeName: 'n', containers: containers.map(name => ({ name })) },
  ...more,
})

const target = (pod: Pod, query = '', node?: object): StreamTarget => ({
  user: { name: 'u', groups: [] },
  object: { ...pod },
  node: node as StreamTarget['node'],
  query: new URLSearchParams(query),
})

void t.test('the container a request means', async t => {
  const annotated = podWith(['a', 'b'])
  annotated.metadata = { ...annotated.metadata, annotations: { 'kubectl.kubernetes.io/default-container': 'b' } }
  t.equal(chooseContainer(podWith(['a']), ''), 'a')
  t.equal(chooseContainer(podWith(['a', 'b']), 'b'), 'b')
  t.equal(chooseContainer(annotated, ''), 'b')
  const refuse = (pod: Pod, wanted: string, message: string) =>
    t.throws(() => chooseContainer(pod, wanted), { message })
  refuse(podWith(['a', 'b']), '', 'a container name must be specified for pod x, choose one of: [a b]')
  refuse(podWith(['a']), 'z', 'container z is not valid for pod x')
})

void t.test('where the kubelet listens', async t => {
  const status = (addresses: object[], port?: number) => ({
    status: { addresses, ...(port === undefined ? {} : { daemonEndpoints: { kubeletEndpoint: { Port: port } } }) },
  })
  const addresses = [
    { type: 'Hostname', address: 'n' },
    { type: 'InternalIP', address: '10.0.0.1' },
  ]
  t.strictSame(kubeletAddress(target(podWith(['a']), '', status(addresses))), { host: '10.0.0.1', port: 10250 })
  t.equal(kubeletAddress(target(podWith(['a']), '', status(addresses, 1234))).port, 1234)
  t.throws(() => kubeletAddress(target(podWith(['a']))), { message: 'nodes "n" not found' })
  t.throws(() => kubeletAddress(target(podWith(['a'], { spec: { containers: [] } }))), {
    message: 'pod x does not have a host assigned',
  })
})

const paths: { name: string; query: string; is: string }[] = [
  {
    name: 'log',
    query: 'container=a&follow=true&tailLines=3&pretty=1',
    is: '/containerLogs/default/x/a?follow=true&tailLines=3',
  },
  {
    name: 'exec',
    query: 'command=sh&command=-c&stdin=true&stdout=true&stderr=false&tty=true',
    is: '/exec/default/x/u1/a?tty=1&command=sh&command=-c&input=1&output=1',
  },
  { name: 'attach', query: 'stdout=true', is: '/attach/default/x/u1/a?output=1' },
  { name: 'portforward', query: 'ports=80', is: '/portForward/default/x/u1?port=80' },
  { name: 'portforward', query: 'ports=80&ports=81', is: '/portForward/default/x/u1?port=80%2C81' },
]
for (const { name, query, is } of paths)
  void t.test(`the kubelet’s path for ${name}`, async t => {
    // The order of parameters is not the point: only the commands' order is.
    const [path, text = ''] = kubeletPath(name, target(podWith(['a']), query)).split('?')
    const [wantedPath, wanted = ''] = is.split('?')
    t.equal(path, wantedPath)
    const sorted = (query: string) => {
      const parameters = new URLSearchParams(query)
      parameters.sort()
      return parameters.toString()
    }
    t.equal(sorted(text), sorted(wanted))
  })

const waits: { name: string; status: object; is: string | undefined }[] = [
  {
    name: 'no status yet',
    status: { phase: 'Pending' },
    is: 'container "a" in pod "x" is waiting to start: ContainerCreating',
  },
  {
    name: 'an image that cannot be pulled',
    status: { containerStatuses: [{ name: 'a', state: { waiting: { reason: 'ImagePullBackOff' } } }] },
    is: 'container "a" in pod "x" is waiting to start: trying and failing to pull image',
  },
  {
    name: 'a restart: the run before has logs',
    status: {
      containerStatuses: [
        { name: 'a', state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: {} } },
      ],
    },
    is: undefined,
  },
]
for (const { name, status, is } of waits)
  void t.test(`why there are no logs: ${name}`, async t => {
    t.equal(waitingMessage(podWith(['a'], { status }), 'a'), is)
  })
