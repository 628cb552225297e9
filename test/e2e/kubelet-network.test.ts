import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runOk, systemExec } from '../../host/exec.ts'
import { busyboxImage } from '../../host/docker/local-images.ts'
import { kubeletHarness, podOf, until } from './kubelet-harness.ts'

const root = '/tmp/skiff-e2e-kubelet-network'
const netns = 'skiff-kubelet-net'
const cniMain = fileURLToPath(new URL('../../cni/main.js', import.meta.url))

/** The plugin as it is installed, but for the namespace that stands for the node. */
const plugin = (name: string) => `#!/bin/sh
unset NODE_EXTRA_CA_CERTS
exec nsenter --net=/run/netns/${netns} ${process.execPath} ${cniMain} ${name}
`

void t.test('pods on the real bridge network', async t => {
  await systemExec.run('ip', ['netns', 'del', netns])
  await runOk(systemExec, 'ip', ['netns', 'add', netns])
  t.teardown(() => systemExec.run('ip', ['netns', 'del', netns]))
  const harness = await kubeletHarness(root)
  t.teardown(() => harness.stop())
  const { create, readyIs, phaseIs, get, remove } = harness
  for (const name of ['bridge', 'host-local', 'loopback'])
    writeFileSync(`${harness.binDir}/${name}`, plugin(name), { mode: 0o755 })
  const ipam = { type: 'host-local', ranges: [[{ subnet: '10.98.0.0/24' }]], dataDir: `${root}/leases` }
  const bridge = { type: 'bridge', bridge: 'skiff0', isDefaultGateway: true, hairpinMode: true, ipMasq: false, ipam }
  writeFileSync(
    `${harness.confDir}/10-skiff.conflist`,
    JSON.stringify({ cniVersion: '1.0.0', name: 'skiff', plugins: [bridge] }),
  )
  const { stop } = await harness.launch()

  await t.test('a pod serves, another one reads from it', async t => {
    const began = performance.now()
    await create(
      podOf('server', {
        containers: [
          {
            name: 'app',
            image: busyboxImage,
            command: ['sh', '-c', 'echo hello from $(hostname) > /www/index.html; exec httpd -f -h /www'],
            readinessProbe: { exec: { command: ['wget', '-qO-', 'http://127.0.0.1/'] }, periodSeconds: 1 },
          },
        ],
      }),
    )
    await phaseIs('server', 'Running')
    t.comment(`create to Running with the real network: ${Math.round(performance.now() - began)} ms`)
    await readyIs('server', 'True')
    const ip = (await get('server')).status?.podIP ?? ''
    t.match(ip, /^10\.98\.0\.\d+$/)
    await create(
      podOf('client', {
        restartPolicy: 'Never',
        containers: [
          { name: 'app', image: busyboxImage, command: ['sh', '-c', `wget -qO /dev/termination-log http://${ip}/`] },
        ],
      }),
    )
    await phaseIs('client', 'Succeeded')
    const state = (await get('client')).status?.containerStatuses?.[0]?.state?.terminated
    t.equal(state?.message, 'hello from server\n')
  })

  await t.test('twenty pods at once have twenty addresses, and nothing is left of them', async t => {
    const names = Array.from({ length: 20 }, (_, i) => `many-${i}`)
    const began = performance.now()
    await Promise.all(names.map(name => create(podOf(name, {}))))
    await Promise.all(names.map(name => phaseIs(name, 'Running')))
    t.comment(`twenty pods Running: ${Math.round(performance.now() - began)} ms`)
    const ips = await Promise.all(names.map(async name => (await get(name)).status?.podIP))
    t.equal(new Set(ips).size, 20)
    await Promise.all([...names, 'server', 'client'].map(name => remove(name)))
    await until('nothing is left in the engine', async () => (await harness.engine.list({})).length === 0)
    const links = await runOk(systemExec, 'ip', ['-n', netns, '-o', 'link', 'show', 'type', 'veth'])
    t.equal(links, '')
  })
  await stop()
})
