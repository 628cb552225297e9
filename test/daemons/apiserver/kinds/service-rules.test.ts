import t from 'tap'
import { createErrors, kindOf, service, statusErrors, updateErrors } from './sample-objects.ts'

const balancer = (more: object = {}) => service({ type: 'LoadBalancer', ...more })

t.test('nobody reaches the nodes’ agents through a load balancer', async t => {
  t.same(createErrors('services', balancer({ ports: [{ port: 10_250 }] })), [
    'spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet',
  ])
})

t.test('fields of load balancers are theirs, and upstream spells one of their paths with a capital', async t => {
  t.same(
    createErrors(
      'services',
      service({ allocateLoadBalancerNodePorts: true, loadBalancerSourceRanges: ['10.0.0.0/8'] }),
    ),
    [
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
  )
})

t.test('a protocol of an application is a qualified name', async t => {
  t.match(createErrors('services', service({ ports: [{ port: 80, appProtocol: 'no way' }] })), [
    /^spec.ports\[0\].appProtocol: Invalid value: "no way"/,
  ])
})

t.test('the class of a load balancer and its health check port stay', async t => {
  const local = { externalTrafficPolicy: 'Local', loadBalancerClass: 'a.b/c', healthCheckNodePort: 30_001 }
  t.same(
    updateErrors(
      'services',
      balancer(local),
      balancer({ ...local, loadBalancerClass: 'a.b/d', healthCheckNodePort: 30_002 }),
    ),
    [
      'spec.healthCheckNodePort: Forbidden: field is immutable',
      'spec.loadBalancerClass: Invalid value: "a.b/d": may not change once set',
    ],
  )
})

t.test('a namespace is Terminating while it is deleted, and only then', async t => {
  const active = { metadata: { name: 'a' }, status: { phase: 'Terminating' } }
  t.same(statusErrors('namespaces', active, active), [
    'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
  ])
  const going = { metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' }, status: { phase: 'Terminating' } }
  t.same(statusErrors('namespaces', going, going), [])
  t.equal(
    kindOf('endpoints').deprecation,
    'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  )
})
