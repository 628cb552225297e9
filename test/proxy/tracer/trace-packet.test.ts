import t from 'tap'
import fc from 'fast-check'
import { parseSavedRules } from '../../../proxy/iptables/saved-rules.ts'
import { tracePacket } from '../../../proxy/tracer/trace-packet.ts'
import { at, service, slice, trace } from '../cluster.ts'

const web = service('web', { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] })
const three = [slice('web', [at('10.244.0.3', 'n1'), at('10.244.1.3'), at('10.244.1.4')])]
const near = (a: number, b: number) => Math.abs(a - b) < 1e-6

t.test('a pod reaches each of three endpoints with the same chance, without NAT of its address', async t => {
  const outcomes = trace([web], three, {})
  t.equal(outcomes.length, 3)
  for (const o of outcomes) {
    t.ok(near(o.probability, 1 / 3), String(o.probability))
    t.match(o, { verdict: 'accept', masqueraded: false, destinationPort: 8080, unknown: [] })
    t.same(o.path[1], 'nat/KUBE-SERVICES')
  }
})

t.test('a pod that meets itself is masqueraded: the hairpin', async t => {
  for (const o of trace([web], three, { source: '10.244.0.3' }))
    t.equal(o.masqueraded, o.destination === '10.244.0.3', o.destination)
})

t.test('the node’s own packets to a ClusterIP are masqueraded', async t => {
  t.ok(trace([web], three, { from: 'node', source: '192.168.7.1' }).every(o => o.masqueraded))
})

t.test('a NodePort leads to every endpoint, masqueraded', async t => {
  const outcomes = trace([web], three, { source: '203.0.113.9', destination: '192.168.7.1', destinationPort: 30080 })
  t.equal(outcomes.length, 3)
  t.ok(outcomes.every(o => o.masqueraded && o.path.includes('nat/KUBE-NODEPORTS')))
})

t.test('127.0.0.1 has no NodePorts', async t => {
  const [o] = trace([web], three, {
    from: 'node',
    source: '127.0.0.1',
    destination: '127.0.0.1',
    destinationPort: 30080,
  })
  t.equal(o?.destination, '127.0.0.1')
})

t.test('externalTrafficPolicy Local: outside traffic stays here with its address, pods may go anywhere', async t => {
  const local = service('web', { ...web.spec, externalTrafficPolicy: 'Local' })
  const to = { destination: '192.168.7.1', destinationPort: 30080 }
  t.match(trace([local], three, { ...to, source: '203.0.113.9' }), [{ destination: '10.244.0.3', masqueraded: false }])
  t.equal(trace([local], three, to).length, 3)
  const elsewhere = [slice('web', [at('10.244.1.3')])]
  t.match(trace([local], elsewhere, { ...to, source: '203.0.113.9' }), [{ verdict: 'drop' }])
})

t.test('a client that is remembered goes where it went before', async t => {
  const sticky = service('web', { sessionAffinity: 'ClientIP' })
  const first = trace([sticky], three, {})[1]
  const chain = first?.path.find(name => name.startsWith('nat/KUBE-SEP-'))?.slice(4) ?? ''
  t.match(trace([sticky], three, { remembered: [chain] }), [{ probability: 1, destination: first?.destination }])
})

t.test('no endpoints: refused at once, from pods and from the node', async t => {
  t.match(trace([web], [], {}), [{ verdict: 'reject' }])
  t.match(trace([web], [], { from: 'node', source: '192.168.7.1' }), [{ verdict: 'reject' }])
  const outside = { source: '203.0.113.9', destination: '192.168.7.1', destinationPort: 30080 }
  t.match(trace([web], [], outside), [{ verdict: 'reject' }])
})

t.test('what is no Service goes its way untouched', async t => {
  t.match(trace([web], three, { destination: '192.0.2.1', destinationPort: 443 }), [
    { verdict: 'accept', destination: '192.0.2.1', masqueraded: false },
  ])
})

t.test('rules read back from the kernel trace alike, and unknown matches are named', async t => {
  const rules = parseSavedRules(`*nat
:PREROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
:POSTROUTING ACCEPT [0:0]
:S - [0:0]
:A - [0:0]
:B - [0:0]
-A PREROUTING -m owner --uid-owner 0 -j S
-A PREROUTING -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j S
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
-A S ! -s 10.244.0.0/16 -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-MARK-MASQ
-A S -m statistic --mode random --probability 0.50000000000 -j A
-A S -j B
-A A -p tcp -m recent --set --name A --mask 255.255.255.255 --rsource -m tcp -j DNAT --to-destination 10.0.0.1:6443
-A B -p tcp -m tcp -j DNAT --to-destination 10.0.0.2:6443
COMMIT
`)
  const packet = {
    source: '192.0.2.7',
    destination: '10.96.0.1',
    protocol: 'tcp',
    destinationPort: 443,
    from: 'network',
  } as const
  t.match(tracePacket(packet, { rules, localAddresses: [] }), [
    { probability: 0.5, destination: '10.0.0.1', masqueraded: true, unknown: ['nat/PREROUTING: --uid-owner'] },
    { probability: 0.5, destination: '10.0.0.2', destinationPort: 6443 },
  ])
})

t.test('over generated clusters: chances add up to 1, are equal, and only real endpoints are reached', async () => {
  const cluster = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(cluster, fc.boolean(), (sizes, sticky) => {
      const services = sizes.map((_, i) =>
        service(`s${i}`, { clusterIP: `10.96.1.${i}`, ...(sticky ? { sessionAffinity: 'ClientIP' } : {}) }),
      )
      const slices = sizes.map((n, i) =>
        slice(
          `s${i}`,
          Array.from({ length: n }, (_, j) => at(`10.244.${i}.${j + 1}`)),
        ),
      )
      return sizes.every((n, i) => {
        const outcomes = trace(services, slices, { destination: `10.96.1.${i}` })
        const sum = outcomes.reduce((total, o) => total + o.probability, 0)
        if (n === 0) return outcomes.length === 1 && outcomes[0]?.verdict === 'reject'
        return (
          near(sum, 1) &&
          outcomes.length === n &&
          outcomes.every(o => near(o.probability, 1 / n) && o.destination.startsWith(`10.244.${i}.`))
        )
      })
    }),
    { numRuns: 60 },
  )
})
