import t from 'tap'
import { planServiceCidr, protectionFinalizer } from '../../../daemons/controller-manager/service-cidr-controller.ts'
import { type IPAddress, type ServiceCIDR, serviceCidrs } from '../../../kube/resources.ts'
import { runControllers } from './harness.ts'
import { t0 } from './objects.ts'

const range = (name: string, cidrs: string[], metadata: ServiceCIDR['metadata'] = {}): ServiceCIDR => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name, uid: name, ...metadata },
  spec: { cidrs },
})
const going = { deletionTimestamp: t0, finalizers: [protectionFinalizer] }

const address = (name: string, manager = 'ipallocator.k8s.io'): IPAddress => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IPAddress',
  metadata: { name, uid: name, labels: { 'ipaddress.kubernetes.io/managed-by': manager } },
  spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
})

t.test('a range gets its finalizer and is ready', async t => {
  const { client } = await runControllers(t, ['service-cidr-controller'], [range('more', ['10.97.0.0/24'])])
  const made = await client.get(serviceCidrs, 'more')
  t.same(made.metadata?.finalizers, [protectionFinalizer])
  t.match(made.status?.conditions, [{ type: 'Ready', status: 'True', message: 'Kubernetes Service CIDR is ready' }])
})

t.test('a range that is deleted stays while a Service has an address of it, then goes', async t => {
  const held = address('10.97.0.9')
  const { client, clock, settle } = await runControllers(
    t,
    ['service-cidr-controller'],
    [range('more', ['10.97.0.0/24'], going), held],
  )
  t.match((await client.get(serviceCidrs, 'more')).status?.conditions, [
    {
      type: 'Ready',
      status: 'False',
      reason: 'Terminating',
      message:
        'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
    },
  ])
  client.remove(held)
  await settle()
  await clock.advance(10_000)
  await settle()
  const left = client.objects(serviceCidrs)[0]
  t.same(left?.metadata?.finalizers ?? [], [])
})

const later = Date.parse(t0) + 60_000
for (const { name, all, addresses, nowMs = later, kind } of [
  { name: 'nothing lies in it', all: [], addresses: [address('10.96.0.9')], kind: 'write' },
  { name: 'it has only just been deleted', all: [], addresses: [], nowMs: Date.parse(t0) + 4000, kind: 'wait' },
  { name: 'a larger range covers it', all: [range('big', ['10.96.0.0/15'])], addresses: [address('10.97.0.9')], kind: 'write' }, // prettier-ignore
  { name: 'a smaller range covers the addresses', all: [range('small', ['10.97.0.0/28'])], addresses: [address('10.97.0.9')], kind: 'write' }, // prettier-ignore
  { name: 'the addresses in it are no Services’', all: [], addresses: [address('10.97.0.9', 'else')], kind: 'write' },
])
  t.test(`a range may go where ${name}${kind === 'wait' ? ', in a while' : ''}`, async t => {
    const cidr = range('more', ['10.97.0.0/24'], going)
    const step = planServiceCidr(cidr, { all: [cidr, ...all], addresses, nowMs })
    t.equal(step.kind, kind)
    if (step.kind === 'wait') t.equal(step.ms, 6000)
    if (step.kind === 'write') t.match(step.write, { object: { metadata: { finalizers: [] } } })
  })

t.test('of two ranges that cover each other and are both deleted neither counts for the other', async t => {
  const cidr = range('more', ['10.97.0.0/24'], going)
  const twin = range('twin', ['10.97.0.0/24'], going)
  const step = planServiceCidr(cidr, { all: [cidr, twin], addresses: [address('10.97.0.9')], nowMs: later })
  t.match(step, { write: { subresource: 'status' } })
})
