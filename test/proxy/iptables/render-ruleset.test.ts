import t from 'tap'
import fc from 'fast-check'
import { planFullSync } from '../../../proxy/iptables/plan-sync.ts'
import { renderOps, renderWord } from '../../../proxy/iptables/op.ts'
import { RulesetRenderer } from '../../../proxy/iptables/render-ruleset.ts'
import { splitWords } from '../../../proxy/iptables/saved-rules.ts'
import { planCluster } from '../../../proxy/model/plan-cluster.ts'
import { at, node, service, settings, slice } from '../cluster.ts'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'

const textOf = (services: Service[], slices: EndpointSlice[], more: Partial<typeof settings> = {}): string => {
  const renderer = new RulesetRenderer({ ...settings, ...more })
  const ruleset = renderer.render(planCluster(services, slices, node).plans)
  return planFullSync({ ruleset, jumps: renderer.jumps, saved: new Map() }).map(renderOps).join('')
}

const rulesOf = (text: string, chain: string): string[] =>
  text.split('\n').filter(line => new RegExp(`^-A ${chain} `).test(line))

const hello = service('hello', { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] })
const endpoints = slice('hello', [at('10.244.0.4'), at('10.244.0.3'), at('10.244.0.5', 'n1')])

const golden = `*mangle
:KUBE-PROXY-CANARY - [0:0]
-A KUBE-PROXY-CANARY -m comment --comment "kubernetes canary: when it is gone, kube-proxy writes its rules again"
COMMIT
*filter
:KUBE-PROXY-CANARY - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-NODEPORTS - [0:0]
-A KUBE-PROXY-CANARY -m comment --comment "kubernetes canary: when it is gone, kube-proxy writes its rules again"
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-I INPUT 1 -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-I INPUT 1 -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-I INPUT 1 -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-I FORWARD 1 -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-I FORWARD 1 -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-I FORWARD 1 -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-I FORWARD 1 -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-I OUTPUT 1 -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-I OUTPUT 1 -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
COMMIT
*nat
:KUBE-PROXY-CANARY - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SEP-665BYKLKPLJCWCFN - [0:0]
:KUBE-SEP-FANHLU5JWR5223PP - [0:0]
:KUBE-SEP-GWIGEXJ7BIDI2FBZ - [0:0]
:KUBE-SVC-BMS7TTZGRMITTABD - [0:0]
:KUBE-EXT-BMS7TTZGRMITTABD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-SERVICES - [0:0]
-A KUBE-PROXY-CANARY -m comment --comment "kubernetes canary: when it is gone, kube-proxy writes its rules again"
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-SEP-665BYKLKPLJCWCFN -m comment --comment default/hello:http -s 10.244.0.3 -j KUBE-MARK-MASQ
-A KUBE-SEP-665BYKLKPLJCWCFN -m comment --comment default/hello:http -m tcp -p tcp -j DNAT --to-destination 10.244.0.3:8080
-A KUBE-SEP-FANHLU5JWR5223PP -m comment --comment default/hello:http -s 10.244.0.4 -j KUBE-MARK-MASQ
-A KUBE-SEP-FANHLU5JWR5223PP -m comment --comment default/hello:http -m tcp -p tcp -j DNAT --to-destination 10.244.0.4:8080
-A KUBE-SEP-GWIGEXJ7BIDI2FBZ -m comment --comment default/hello:http -s 10.244.0.5 -j KUBE-MARK-MASQ
-A KUBE-SEP-GWIGEXJ7BIDI2FBZ -m comment --comment default/hello:http -m tcp -p tcp -j DNAT --to-destination 10.244.0.5:8080
-A KUBE-SVC-BMS7TTZGRMITTABD -m comment --comment "default/hello:http cluster IP" -m tcp -p tcp -d 10.96.0.50 --dport 80 ! -s 10.244.0.0/16 -j KUBE-MARK-MASQ
-A KUBE-SVC-BMS7TTZGRMITTABD -m comment --comment "default/hello:http -> 10.244.0.3:8080" -m statistic --mode random --probability 0.3333333333 -j KUBE-SEP-665BYKLKPLJCWCFN
-A KUBE-SVC-BMS7TTZGRMITTABD -m comment --comment "default/hello:http -> 10.244.0.4:8080" -m statistic --mode random --probability 0.5000000000 -j KUBE-SEP-FANHLU5JWR5223PP
-A KUBE-SVC-BMS7TTZGRMITTABD -m comment --comment "default/hello:http -> 10.244.0.5:8080" -j KUBE-SEP-GWIGEXJ7BIDI2FBZ
-A KUBE-EXT-BMS7TTZGRMITTABD -m comment --comment "masquerade traffic for default/hello:http external destinations" -j KUBE-MARK-MASQ
-A KUBE-EXT-BMS7TTZGRMITTABD -j KUBE-SVC-BMS7TTZGRMITTABD
-A KUBE-NODEPORTS -m comment --comment default/hello:http -m tcp -p tcp --dport 30080 -j KUBE-EXT-BMS7TTZGRMITTABD
-A KUBE-SERVICES -m comment --comment "default/hello:http cluster IP" -m tcp -p tcp -d 10.96.0.50 --dport 80 -j KUBE-SVC-BMS7TTZGRMITTABD
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL ! -d 127.0.0.0/8 -j KUBE-NODEPORTS
-I OUTPUT 1 -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-I PREROUTING 1 -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-I POSTROUTING 1 -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
COMMIT
`

t.test('golden: a NodePort Service with three endpoints, byte for byte', async t => {
  t.equal(textOf([hello], [endpoints]), golden)
})

t.test('the order in which objects arrive does not change a byte', async t => {
  const other = service('other', { clusterIP: '10.96.0.51' })
  const split = [slice('hello', [at('10.244.0.5', 'n1')]), slice('hello', [at('10.244.0.3'), at('10.244.0.4')])]
  t.equal(textOf([other, hello], split), textOf([hello, other], [endpoints]))
})

t.test('affinity remembers the client for its seconds before chance is asked', async t => {
  const sticky = service('s', {
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 300 } },
  })
  const rules = rulesOf(textOf([sticky], [slice('s', [at('10.244.0.3'), at('10.244.0.4')])]), 'KUBE-SVC-[A-Z0-9]+')
  t.equal(rules.length, 5)
  t.match(rules[1], /-m recent --name (KUBE-SEP-\w+) --rcheck --seconds 300 --reap -j \1$/)
  t.match(rules[3], /--probability 0.5000000000/)
})

t.test('UDP and SCTP are matched as such, each with chains of its own', async t => {
  const ports = [
    { name: 'a', port: 53, protocol: 'UDP' },
    { name: 'b', port: 53, protocol: 'SCTP' },
  ]
  const text = textOf(
    [service('d', { ports })],
    [slice('d', [at('10.244.0.3')], { ports: ports.map(p => ({ ...p, port: 5353 })) })],
  )
  t.match(text, /-m udp -p udp -j DNAT --to-destination 10.244.0.3:5353/)
  t.match(text, /-m sctp -p sctp -d 10.96.0.50 --dport 53 -j KUBE-SVC-/)
})

t.test('a Service nobody backs is refused by name, and gets no chain', async t => {
  const text = textOf([hello], [])
  t.match(
    text,
    '-A KUBE-SERVICES -m comment --comment "default/hello:http has no endpoints" -m tcp -p tcp -d 10.96.0.50 --dport 80 -j REJECT',
  )
  t.match(text, /KUBE-EXTERNAL-SERVICES .*--dst-type LOCAL -m tcp -p tcp --dport 30080 -j REJECT/)
  t.notMatch(text, /KUBE-SVC/)
})

t.test('source ranges put a firewall chain in front of the load balancer address', async t => {
  const balanced = service(
    'lb',
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['203.0.113.0/25', ' not one'] },
    { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
  )
  const text = textOf([balanced], [slice('lb', [at('10.244.0.3')])])
  t.match(text, /"default\/lb:http loadbalancer IP" -m tcp -p tcp -d 1.2.3.4 --dport 80 -j KUBE-FW-/)
  t.match(text, /-A KUBE-FW-\w+ .* -s 203.0.113.0\/25 -j KUBE-EXT-/)
  t.match(text, /-A KUBE-PROXY-FIREWALL .*traffic not accepted by KUBE-FW-\w+" .* -d 1.2.3.4 --dport 80 -j DROP/)
})

t.test('settings: mark, masquerade-all, localhost and chosen NodePort addresses', async t => {
  const text = textOf([hello], [endpoints], {
    masqueradeMark: 0x8000,
    masqueradeAll: true,
    localhostNodePorts: true,
  })
  t.match(text, '-A KUBE-MARK-MASQ -j MARK --or-mark 0x8000')
  t.match(text, /--dport 80 -j KUBE-MARK-MASQ/)
  t.match(text, /-A KUBE-FIREWALL .*RELATED,ESTABLISHED,DNAT -j DROP/)
  t.match(text, '--dst-type LOCAL -j KUBE-NODEPORTS')
  t.match(
    textOf([hello], [], { nodePortAddresses: ['192.168.7.0/24' as never] }),
    'in this chain" -m addrtype --dst-type LOCAL -d 192.168.7.0/24 -j KUBE-NODEPORTS',
  )
})

t.test('no object can bring a word of its own into a rule', async () => {
  const nasty = fc.oneof(
    fc.string(),
    fc.constantFrom('a" -j ACCEPT "', 'x\nCOMMIT', '1.2.3.4 -j DROP', '0.0.0.0/0', '::1', '10.0.0.1%eth0', '\\', '-A'),
  )
  const number = fc.oneof(fc.integer(), fc.double(), nasty) as fc.Arbitrary<number>
  const anyService = fc.record({
    name: fc.oneof(nasty, fc.constant('web')),
    ip: fc.oneof(nasty, fc.constant('10.96.0.50')),
    list: fc.array(nasty),
    portName: fc.oneof(nasty, fc.constant('http')),
    port: fc.oneof(number, fc.constant(80)),
    endpoint: fc.oneof(nasty, fc.constant('10.244.0.3')),
    seconds: number,
    protocol: fc.oneof(nasty, fc.constant('TCP')),
  })
  const shape =
    /^(\*(nat|filter|mangle)|COMMIT|:KUBE-[A-Z0-9-]+ - \[0:0\]|-A KUBE-[A-Z0-9-]+ .*|-I (INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) 1 .*|)$/
  const targets = /^(KUBE-[A-Z0-9-]+|ACCEPT|DROP|REJECT|RETURN|MARK|DNAT|MASQUERADE)$/
  fc.assert(
    fc.property(anyService, o => {
      const spec = {
        type: 'LoadBalancer',
        clusterIP: o.ip,
        externalIPs: o.list,
        loadBalancerSourceRanges: o.list,
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: o.seconds } },
        ports: [{ name: o.portName, port: o.port, nodePort: o.port, protocol: o.protocol }],
      }
      const s = service(o.name, spec, { status: { loadBalancer: { ingress: o.list.map(ip => ({ ip })) } } })
      const of = slice(o.name, [at(o.endpoint)], {
        ports: [{ name: o.portName, port: o.port, protocol: o.protocol }],
      })
      const words = textOf([s], [of])
        .split('\n')
        .every(line => {
          const rule = splitWords(line)
          const jumps = rule.flatMap((word, i) => (word === '-j' ? [rule[i + 1] ?? ''] : []))
          return shape.test(line) && jumps.length <= 1 && jumps.every(target => targets.test(target))
        })
      return words
    }),
    { numRuns: 500 },
  )
})

t.test('a word that could end its quotes is an error, never a rule', async t => {
  for (const word of ['a"b', 'a\\', 'a\nb', '', 'é']) t.throws(() => renderWord(word), { code: 'INTERNAL' })
  t.equal(renderWord('two words'), '"two words"')
  t.same(splitWords(renderWord('two words')), ['two words'])
})
