import t from 'tap'
import { chainNamesOf, endpointChainName, isProxyChain } from '../../../proxy/iptables/chain-names.ts'
import type { Protocol } from '../../../proxy/model/service-port-plan.ts'

// Names that every kubeadm cluster shows: the hash is upstream's.
const known: [string, Protocol, string][] = [
  ['default/kubernetes:https', 'tcp', 'KUBE-SVC-NPX46M4PTMTKRN6Y'],
  ['kube-system/kube-dns:dns', 'udp', 'KUBE-SVC-TCOU7JCQXEZGVUNU'],
  ['kube-system/kube-dns:dns-tcp', 'tcp', 'KUBE-SVC-ERIFXISQEP7F7OF4'],
  ['kube-system/kube-dns:metrics', 'tcp', 'KUBE-SVC-JD5MR3NA4I4DYORP'],
]

for (const [name, protocol, chain] of known)
  t.test(`${name} over ${protocol} gets the chain upstream gives it`, async t => {
    t.equal(chainNamesOf(name, protocol).service, chain)
  })

t.test('the four chains of a port share one hash, and the endpoint has its own', async t => {
  const names = chainNamesOf('ns1/svc1:p80', 'tcp')
  t.equal(names.service, 'KUBE-SVC-XPGD46QRK7WJZT7O')
  t.equal(names.external, 'KUBE-EXT-XPGD46QRK7WJZT7O')
  t.equal(names.local, 'KUBE-SVL-XPGD46QRK7WJZT7O')
  t.equal(names.firewall, 'KUBE-FW-XPGD46QRK7WJZT7O')
  t.equal(endpointChainName('ns1/svc1:p80', 'tcp', '10.180.0.1:80'), 'KUBE-SEP-SXIVWICOYRO3J4NJ')
})

t.test('no chain name is longer than the 28 characters the kernel takes', async t => {
  t.ok(chainNamesOf('a/b', 'sctp').external.length <= 28)
})

t.test('cleanup knows our chains and nobody else’s', async t => {
  t.ok(isProxyChain('KUBE-SERVICES'))
  t.ok(isProxyChain('KUBE-SEP-SXIVWICOYRO3J4NJ'))
  t.notOk(isProxyChain('KUBE-ROUTER-FORWARD'))
  t.notOk(isProxyChain('DOCKER'))
})
