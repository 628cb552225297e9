import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import t from 'tap'
import { differences, machineSnapshot } from './machine-snapshot.ts'
import { checkout, eventually, kubectl, ok, readyPods, run, skiff } from './skiff.ts'

const directory = '/tmp/skiff-found-engine'

/** Somebody's own Engine, with Docker's defaults: docker0, its rules, and FORWARD set to DROP. */
const startForeignEngine = async (): Promise<() => Promise<void>> => {
  mkdirSync(directory, { recursive: true })
  const flags = [
    '--data-root',
    `${directory}/data`,
    '--exec-root',
    `${directory}/exec`,
    '--pidfile',
    `${directory}/pid`,
    '--log-level=error',
  ]
  const engine = spawn('dockerd', flags, { stdio: 'ignore' })
  const ended = new Promise<void>(resolve => engine.once('exit', () => resolve()))
  await eventually(
    () => run('docker', ['info']),
    said => said.code === 0,
  )
  return async () => {
    engine.kill('SIGTERM')
    await ended
    for (const [table, chain] of [
      ['filter', 'FORWARD'],
      ['nat', 'PREROUTING'],
      ['nat', 'OUTPUT'],
      ['nat', 'POSTROUTING'],
    ] as const)
      await run('iptables', ['-t', table, '-F', chain])
    await run('iptables', ['-P', 'FORWARD', 'ACCEPT'])
    await run('sh', ['-c', 'nft delete table ip nat; nft delete table ip filter; ip link delete docker0'])
    await run('sh', ['-c', `grep -o '${directory}[^ ]*' /proc/self/mounts | sort -r | xargs -r umount -l`])
    rmSync(directory, { recursive: true, force: true })
  }
}

t.test('a cluster on an Engine that was there before, which drops what is forwarded', { timeout: 300_000 }, async t => {
  await skiff(['down'])
  const forwarding = (await run('cat', ['/proc/sys/net/ipv4/ip_forward'])).out
  // An Engine that has to switch forwarding on itself drops what it does not know.
  await ok(run('sh', ['-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward']))
  const stopEngine = await startForeignEngine()
  t.teardown(async () => {
    await skiff(['down'])
    await stopEngine()
    await run('sh', ['-c', `echo ${forwarding.trim()} > /proc/sys/net/ipv4/ip_forward`])
  })
  t.match(await ok(run('iptables-save', ['-t', 'filter'])), ':FORWARD DROP', 'Docker has set FORWARD to DROP')
  await ok(
    run('docker', ['create', '--name', 'mine', '--label', 'io.kubernetes.pod.name=mine', await someImage(), 'true']),
  )
  const before = await machineSnapshot()

  await ok(skiff(['up']))
  t.match((await skiff(['status', '-o', 'json'])).out, '"kind": "found"')
  await ok(kubectl(['apply', '-f', `${checkout}/examples/hello.yaml`]))
  const pods = await eventually(
    () => readyPods('app=hello'),
    names => names.length === 3,
  )
  t.match(await ok(kubectl(['exec', pods[0] ?? '', '--', 'wget', '-qO-', 'http://hello'])), 'Hello from Skiff')
  const nodeIp = await ok(
    kubectl(['get', 'node', '-o', 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}']),
  )
  for (const args of [[`http://${nodeIp}:30080`], ['-H', 'Host: hello.example', `http://${nodeIp}`]])
    t.match(
      (
        await eventually(
          () => run('curl', ['-sf', '-m', '5', ...args]),
          said => said.code === 0,
          15_000,
        )
      ).out,
      'Hello from Skiff',
    )

  await ok(skiff(['down']))
  t.strictSame(
    differences(before, await machineSnapshot()),
    [],
    'the Engine, its rules and its own containers are as they were',
  )
  t.notMatch(await ok(run('docker', ['images'])), 'skiff/', 'no image of ours is left in it')
})

/** An image of the Engine's owner. */
const someImage = async (): Promise<string> => {
  await ok(run('sh', ['-c', 'tar -C /bin -c busybox | docker import - mine/busybox:1']))
  return 'mine/busybox:1'
}
