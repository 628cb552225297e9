import { readdirSync, writeFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeExec } from '../../../../host/exec-fake.ts'
import { CniRuntime, pluginError } from '../../../../daemons/kubelet/cni/cni-runtime.ts'
import { ConfigStore } from '../../../../daemons/kubelet/cni/config-store.ts'
import { configFiles, parseNetworkConfig } from '../../../../daemons/kubelet/cni/network-config.ts'

const list = (extra: object = {}) =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'net',
    plugins: [
      { type: 'bridge', x: 1 },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
    ...extra,
  })

for (const { name, file, text, message } of [
  { name: 'no JSON', file: 'a.conflist', text: '{', message: /^CNI config a\.conflist: / },
  { name: 'no name', file: 'a.conflist', text: '{"plugins":[{"type":"x"}]}', message: /"name" is missing/ },
  { name: 'no plugins', file: 'a.conflist', text: '{"name":"n"}', message: /"plugins" is missing/ },
  { name: 'a type that is a path', file: 'a.conf', text: '{"name":"n","type":"../sh"}', message: /plugins\[0\]\.type/ },
  {
    name: 'a version of another world',
    file: 'a.conf',
    text: '{"name":"n","type":"x","cniVersion":"9"}',
    message: /cniVersion "9"/,
  },
])
  void t.test(`a config with ${name} is refused, with its file`, async t =>
    t.throws(() => parseNetworkConfig(file, text), { code: 'INVALID_INPUT', message }),
  )

void t.test('a single plugin is a list of one; files are taken in the order of their names', async t => {
  t.match(parseNetworkConfig('a.conf', '{"name":"n","type":"x"}'), { cniVersion: '0.3.1', plugins: [{ type: 'x' }] })
  t.same(configFiles(['b.conf', 'README', 'a.conflist', 'c.json']), ['a.conflist', 'b.conf', 'c.json'])
})

void t.test('the first valid file is in force, and stays when it breaks', async t => {
  const directory = t.testdir({ '10-a.conflist': '{', '20-b.conflist': list({ name: 'b' }) })
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const said: string[] = []
  const store = new ConfigStore({
    directory,
    signal: stop.signal,
    onInvalid: e => said.push(e.message),
    onChange: c => said.push(c.name),
  })
  store.read()
  t.match(said, [/10-a\.conflist/, 'b'])
  writeFileSync(join(directory, '20-b.conflist'), '{"name":')
  rmSync(join(directory, '10-a.conflist'))
  writeFileSync(join(directory, '30-c.conflist'), list({ name: 'c' }))
  store.read()
  store.read()
  t.equal(store.current?.name, 'b')
  t.match(said.slice(2), [/20-b\.conflist/])
  writeFileSync(join(directory, '20-b.conflist'), list({ name: 'b2' }))
  store.read()
  t.equal(said.at(-1), 'b2')
})

const network = parseNetworkConfig('10.conflist', list())
const to = {
  containerId: 'cid',
  netns: '/proc/1/ns/net',
  pod: { name: 'p', namespace: 'n', uid: 'u' },
  portMappings: [{ hostPort: 80, containerPort: 8080, protocol: 'tcp', hostIP: '' }],
}

void t.test(
  'ADD runs the plugins in order, each with the result before it; DEL goes back with the cached one',
  async t => {
    const cacheDir = t.testdir()
    const exec = new FakeExec(() => ({ stdout: '{"cniVersion":"1.0.0","ips":[{"address":"10.244.0.5/24"}]}' }))
    const cni = new CniRuntime({ exec, binDir: '/bin/cni', cacheDir })
    t.equal(await cni.add(network, to), '10.244.0.5')
    t.same(
      exec.calls.map(c => c.file),
      ['/bin/cni/bridge', '/bin/cni/portmap'],
    )
    t.same(JSON.parse(exec.calls[0]?.stdin ?? ''), { type: 'bridge', x: 1, name: 'net', cniVersion: '1.0.0' })
    t.match(JSON.parse(exec.calls[1]?.stdin ?? ''), {
      prevResult: { ips: [{ address: '10.244.0.5/24' }] },
      runtimeConfig: { portMappings: to.portMappings },
    })
    const again = new CniRuntime({ exec, binDir: '/bin/cni', cacheDir })
    t.equal(again.address('cid'), '10.244.0.5')
    t.same(again.stale(new Set(['cid'])), [])
    t.match(again.stale(new Set()), [{ containerId: 'cid', netns: '' }])
    exec.calls.length = 0
    await again.del(undefined, { ...to, netns: '' })
    t.same(
      exec.calls.map(c => c.file),
      ['/bin/cni/portmap', '/bin/cni/bridge'],
    )
    t.match(JSON.parse(exec.calls[0]?.stdin ?? ''), { prevResult: { ips: [{}] } })
    t.equal(again.address('cid'), undefined)
    await again.del(undefined, to)
    t.equal(exec.calls.length, 2)
    t.same(readdirSync(join(cacheDir, 'results')), [])
  },
)

void t.test('an ADD that fails is undone and says what the plugin said', async t => {
  const exec = new FakeExec(call =>
    call.file.endsWith('portmap') && call.stdin.includes('prevResult')
      ? { exitCode: 1, stdout: '{"code":11,"msg":"no","details":"why"}' }
      : { stdout: '{"ips":[{"address":"10.244.0.5/24"}]}' },
  )
  const cni = new CniRuntime({ exec, binDir: '/b', cacheDir: t.testdir() })
  await t.rejects(cni.add(network, to), { message: 'plugin type="portmap" failed (add): no: why' })
  t.same(
    exec.calls.map(c => c.file),
    ['/b/bridge', '/b/portmap', '/b/portmap', '/b/bridge'],
  )
  t.match(pluginError('x', 'ADD', { stdout: '', stderr: 'panic' }).message, 'panic')
})

void t.test('loopback comes first where lo is not up', async t => {
  const exec = new FakeExec(() => ({ stdout: '{"ips":[{"address":"10.244.0.5/24"}]}' }))
  const cni = new CniRuntime({ exec, binDir: '/b', cacheDir: t.testdir() })
  await cni.add(network, { ...to, netns: '/no/such/netns' })
  t.equal(exec.calls[0]?.file, '/b/loopback')
})
