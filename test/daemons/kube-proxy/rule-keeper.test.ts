import { pino } from 'pino'
import t from 'tap'
import { options } from '../../../daemons/kube-proxy/options.ts'
import { start } from '../../../daemons/kube-proxy/start.ts'
import { FakeClock } from '../../../host/clock-fake.ts'
import { FakeExec } from '../../../host/exec-fake.ts'
import { FakeJournal } from '../../../host/journal.ts'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import { optionsFromConfig, resolveOptions } from '../../../kube/options.ts'
import { endpointSlices } from '../../../kube/resources.ts'
import { at, service, slice } from '../../proxy/cluster.ts'

const settings = resolveOptions(options, {
  nodeName: 'n1',
  healthzBindAddress: '',
  metricsBindAddress: '',
  clusterCidr: '10.244.0.0/16',
})
const log = pino({ level: 'silent' })

const setUp = async (answer: FakeExec['answer'] = () => ({})) => {
  const exec = new FakeExec(call => {
    if (call.args.includes('-S')) return { stdout: '-N X\n-A X -j KUBE-FORWARD -j KUBE-SERVICES -j KUBE-POSTROUTING\n' }
    return answer(call)
  })
  const clock = new FakeClock()
  const stop = new AbortController()
  const journal = new FakeJournal()
  const values = new Map([['net/bridge/bridge-nf-call-iptables', '0']])
  const sysctls = { read: (key: string) => values.get(key), write: (key: string, v: string) => void values.set(key, v) }
  const client = new FakeClient(service('web', {}), slice('web', [at('10.244.0.3'), at('10.244.0.4')]))
  const proxy = await start(settings, { signal: stop.signal, log, journal, client }, { exec, clock, sysctls })
  const settle = () => clock.advance(1000)
  const batches = () => exec.calls.filter(call => call.file === 'iptables-restore').map(call => call.stdin)
  return { exec, stop, journal, client, proxy, settle, batches, values, clock }
}

t.test('the first sync writes everything, after the journal; a change writes only its chains', async t => {
  const { stop, journal, client, proxy, settle, batches, values } = await setUp()
  await settle()
  await proxy.firstSync
  t.match(journal.changes, [
    { kind: 'sysctl', before: '0' },
    { kind: 'iptables', prefix: 'KUBE-' },
  ])
  t.equal(values.get('net/bridge/bridge-nf-call-iptables'), '1')
  t.equal(batches().length, 1)
  t.match(batches()[0], ':KUBE-POSTROUTING')
  await client.update(endpointSlices, slice('web', [at('10.244.0.3')]))
  await settle()
  t.equal(batches().length, 2)
  t.notMatch(batches()[1], /KUBE-POSTROUTING|KUBE-SERVICES/)
  stop.abort()
  await proxy.done
})

t.test('a partial sync that is refused is made good by a full one at once', async t => {
  let refuse = false
  const { stop, client, proxy, settle, batches } = await setUp(call => {
    const partial = call.file === 'iptables-restore' && !call.stdin.includes('KUBE-POSTROUTING')
    return partial && refuse ? { exitCode: 1, stderr: 'iptables-restore: line 2 failed' } : {}
  })
  await settle()
  refuse = true
  await client.update(endpointSlices, slice('web', [at('10.244.0.3')]))
  await settle()
  t.equal(batches().length, 3)
  t.match(batches()[2], ':KUBE-POSTROUTING')
  stop.abort()
  await proxy.done
})

t.test('an untouched canary costs no write; a vanished one writes everything', async t => {
  let gone = false
  const { stop, exec, proxy, settle, batches, clock } = await setUp()
  const answer = exec.answer
  exec.answer = call => (gone && call.args.includes('-S') ? { exitCode: 1 } : answer(call))
  await settle()
  await clock.advance(31_000)
  t.equal(batches().length, 1)
  gone = true
  await clock.advance(31_000)
  gone = false
  await settle()
  t.equal(batches().length, 2)
  t.match(batches()[1], ':KUBE-PROXY-CANARY')
  stop.abort()
  await proxy.done
})

t.test('modes and settings that are not built are refused by name', async t => {
  const context = { signal: new AbortController().signal, log, journal: new FakeJournal(), client: new FakeClient() }
  const cases = [
    { mode: 'ipvs', code: 'NOT_IMPLEMENTED' },
    { mode: 'nftables', code: 'NOT_IMPLEMENTED' },
    { mode: 'fast', code: 'INVALID_INPUT' },
    { detectLocalMode: 'BridgeInterface', code: 'NOT_IMPLEMENTED' },
    { clusterCidr: '10.244.0.0', code: 'INVALID_INPUT' },
    { nodePortAddresses: ['x'], code: 'INVALID_INPUT' },
    { masqueradeBit: 32, code: 'INVALID_INPUT' },
    { healthzBindAddress: 'here', code: 'INVALID_INPUT' },
  ]
  for (const { code, ...more } of cases)
    await t.rejects(start({ ...settings, ...more }, context, { exec: new FakeExec() }), { code }, JSON.stringify(more))
})

t.test('the file kubeadm writes is understood; a key nobody knows fails by name', async t => {
  const file = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    bindAddress: '0.0.0.0',
    clientConnection: { acceptContentTypes: '', burst: 0, contentType: '', kubeconfig: '/k.conf', qps: 0 },
    clusterCIDR: '10.244.0.0/16',
    conntrack: { maxPerCore: null, min: null, tcpBeLiberal: false, tcpCloseWaitTimeout: '1h', udpTimeout: '0s' },
    detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
    detectLocalMode: '',
    iptables: {
      localhostNodePorts: null,
      masqueradeAll: false,
      masqueradeBit: null,
      minSyncPeriod: '0s',
      syncPeriod: '0s',
    },
    ipvs: { excludeCIDRs: null, minSyncPeriod: '0s', scheduler: '', strictARP: false },
    mode: '',
    nodePortAddresses: null,
  }
  const read = resolveOptions(options, optionsFromConfig(options, file, 'config.conf'))
  t.match(read, {
    kubeconfig: '/k.conf',
    mode: 'iptables',
    minSyncPeriodMs: 200,
    syncPeriodMs: 30_000,
    masqueradeBit: 14,
  })
  t.throws(() => optionsFromConfig(options, { iptable: { x: 1 } }, 'f'), /unknown key iptable.x/)
  t.throws(() => optionsFromConfig(options, { ipvs: { strictARP: true } }, 'f'), { code: 'NOT_IMPLEMENTED' })
})
