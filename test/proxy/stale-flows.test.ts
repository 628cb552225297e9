import t from 'tap'
import { planService } from '../../proxy/model/plan-service.ts'
import { planKey, staleFlows } from '../../proxy/stale-flows.ts'
import { at, node, service, slice } from './cluster.ts'

const plans = (protocol: string, ips: string[]) => {
  const ports = [{ name: 'dns', port: 53, protocol, nodePort: 30053 }]
  const of = slice(
    'd',
    ips.map(ip => at(ip)),
    { ports },
  )
  const made = planService(service('d', { type: 'NodePort', ports }), [of], node).plans
  return new Map(made.map(plan => [planKey(plan), plan]))
}

t.test('flows to an endpoint that is gone are forgotten, by every address that led to it', async t => {
  t.same(staleFlows(plans('UDP', ['10.0.0.1', '10.0.0.2']), plans('UDP', ['10.0.0.2'])), [
    '-D -p udp -f ipv4 --orig-dst 10.96.0.50 --dport 53 --dst-nat 10.0.0.1'.split(' '),
    '-D -p udp -f ipv4 --dport 30053 --dst-nat 10.0.0.1'.split(' '),
  ])
})
t.test('flows from before the first endpoint are forgotten', async t => {
  t.same(staleFlows(plans('UDP', []), plans('UDP', ['10.0.0.2'])), [
    '-D -p udp -f ipv4 --orig-dst 10.96.0.50 --dport 53 --reply-src 10.96.0.50'.split(' '),
    '-D -p udp -f ipv4 --dport 30053 --reply-port-src 30053'.split(' '),
  ])
})
t.test('a Service that goes takes its flows along', async t => {
  t.equal(staleFlows(plans('UDP', ['10.0.0.1']), new Map()).length, 2)
})
t.test('TCP flows end by themselves', async t => {
  t.same(staleFlows(plans('TCP', ['10.0.0.1']), plans('TCP', [])), [])
})
