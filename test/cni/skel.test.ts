import t from 'tap'
import { CniError } from '../../cni/cni-error.ts'
import { convertResult, type CniResult } from '../../cni/result.ts'
import { runPlugin, type Plugin } from '../../cni/skel/run-plugin.ts'
import { cniWrapper } from '../../cni/wrapper.ts'
import { SkiffError } from '../../kube/errors.ts'

const result: CniResult = {
  interfaces: [{ name: 'eth0', sandbox: '/n' }],
  ips: [{ address: '10.0.0.2/24', interface: 0 }],
  routes: [],
  dns: {},
}
const fine: Plugin = { add: async () => result, del: async () => {}, check: async () => {} }

const run = async (env: Record<string, string>, config: unknown, plugin: Plugin = fine) => {
  let out = ''
  const exitCode = await runPlugin(plugin, {
    env,
    readStdin: () => (typeof config === 'string' ? config : JSON.stringify(config)),
    writeStdout: text => (out += text),
  })
  return { exitCode, out: out === '' ? undefined : (JSON.parse(out) as Record<string, unknown>) }
}

const env = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c1', CNI_NETNS: '/n', CNI_IFNAME: 'eth0', CNI_PATH: '/bin' }
const config = { cniVersion: '1.0.0', name: 'net' }

void t.test('VERSION lists what is supported', async t => {
  t.strictSame(await run({ CNI_COMMAND: 'VERSION' }, '{}'), {
    exitCode: 0,
    out: { cniVersion: '1.0.0', supportedVersions: ['0.3.1', '0.4.0', '1.0.0'] },
  })
})

void t.test('DEL and CHECK answer nothing', async t => {
  t.strictSame(await run({ ...env, CNI_COMMAND: 'DEL', CNI_NETNS: '' }, config), { exitCode: 0, out: undefined })
  t.strictSame(await run({ ...env, CNI_COMMAND: 'CHECK' }, { ...config, prevResult: {} }), {
    exitCode: 0,
    out: undefined,
  })
})

for (const { name, env: changed, config: given, code } of [
  { name: 'an unknown command', env: { ...env, CNI_COMMAND: 'GO' }, config, code: 4 },
  { name: 'no container id', env: { ...env, CNI_CONTAINERID: '' }, config, code: 4 },
  { name: 'a container id with a slash', env: { ...env, CNI_CONTAINERID: '../x' }, config, code: 4 },
  { name: 'a link name that is too long', env: { ...env, CNI_IFNAME: 'a234567890123456' }, config, code: 4 },
  { name: 'CNI_ARGS without a value', env: { ...env, CNI_ARGS: 'IP' }, config, code: 4 },
  { name: 'input that is not JSON', env, config: '{', code: 6 },
  { name: 'a version from the future', env, config: { ...config, cniVersion: '2.0.0' }, code: 1 },
  {
    name: 'CHECK before there was one',
    env: { ...env, CNI_COMMAND: 'CHECK' },
    config: { ...config, cniVersion: '0.3.1' },
    code: 1,
  },
  { name: 'CHECK without prevResult', env: { ...env, CNI_COMMAND: 'CHECK' }, config, code: 7 },
  { name: 'no network name', env, config: { cniVersion: '1.0.0' }, code: 7 },
])
  void t.test(`${name} is answered with CNI code ${code}`, async t => {
    const { exitCode, out } = await run(changed, given)
    t.equal(exitCode, 1)
    t.equal(out?.['code'], code)
    t.type(out?.['msg'], 'string')
  })

void t.test("a plugin's failure keeps its code and details", async t => {
  const failing = (error: unknown): Plugin => ({ ...fine, add: async () => Promise.reject(error) })
  t.match((await run(env, config, failing(new CniError(102, 'full', { details: 'd' })))).out, {
    code: 102,
    msg: 'full',
    details: 'd',
  })
  t.match((await run(env, config, failing(new SkiffError('NOT_IMPLEMENTED', 'vlan')))).out, { code: 2, msg: 'vlan' })
  t.match((await run(env, config, failing(new Error('x', { cause: new Error('why') })))).out, {
    code: 100,
    details: 'why',
  })
})

void t.test('before 1.0.0 each address names its family', async t => {
  t.match(convertResult(result, '0.4.0'), { cniVersion: '0.4.0', ips: [{ version: '4', address: '10.0.0.2/24' }] })
  t.notMatch(convertResult(result, '1.0.0'), { ips: [{ version: '4' }] })
})

void t.test('the wrapper quotes what it is given', async t => {
  t.equal(
    cniWrapper('bridge', "/opt/it's node", '/x/main.js'),
    "#!/bin/sh\nunset NODE_EXTRA_CA_CERTS NODE_OPTIONS\nexec '/opt/it'\\''s node' '/x/main.js' 'bridge'\n",
  )
})
