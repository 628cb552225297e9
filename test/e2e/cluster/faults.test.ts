import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { differences, machineSnapshot } from './machine-snapshot.ts'
import { checkout, eventually, kubectl, ok, readyPods, run, skiff } from './skiff.ts'

interface Status {
  healthy: boolean
  processes: { name: string; pid: number | null; restarts: number }[]
}

const status = async (): Promise<Status> => JSON.parse((await skiff(['status', '-o', 'json'])).out) as Status
const pidOf = async (name: string) => (await status()).processes.find(one => one.name === name)?.pid ?? 0

/** Container ids by pod, to see that nothing was restarted. */
const containers = async () =>
  (await ok(run('docker', ['ps', '-q', '--no-trunc', '--filter', 'label=io.kubernetes.pod.namespace=default'])))
    .split('\n')
    .filter(Boolean)
    .sort()

/** Every process that `up` left running: found by the environment they inherit. */
const skiffProcesses = (): number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'latin1').includes('SKIFF_DATA_DIR=')
      } catch {
        return false
      }
    })
    .map(Number)

const hello = async () => {
  await ok(kubectl(['apply', '-f', `${checkout}/examples/hello.yaml`]))
  await eventually(
    () => readyPods('app=hello'),
    names => names.length === 3,
  )
}

t.test('a cluster that is killed in every way', { timeout: 800_000 }, async t => {
  await skiff(['down'])
  const before = await machineSnapshot()
  t.teardown(async () => {
    await skiff(['down'])
  })
  await ok(skiff(['up']))
  await hello()

  for (const name of ['control-plane', 'node', 'engine', 'supervisor'])
    await t.test(
      `${name} killed with SIGKILL comes back, nothing acknowledged is lost, and the pods keep running`,
      async t => {
        const running = await containers()
        t.equal(running.length, 6, 'three pods of two containers')
        await ok(kubectl(['create', 'configmap', `before-${name}`, '--from-literal=a=b']))
        const pid = await pidOf(name)
        t.ok(pid > 0)
        process.kill(pid, 'SIGKILL')
        await eventually(status, now => now.healthy && now.processes.every(one => one.pid !== pid), 60_000)
        await eventually(
          () => kubectl(['get', 'configmap', `before-${name}`]),
          said => said.code === 0,
        )
        t.strictSame(await eventually(containers, ids => ids.length === 6), running, 'no container was restarted')
        // What the process does is done again: a change reaches the node.
        await eventually(
          () => kubectl(['scale', 'deployment', 'hello', '--replicas=4']),
          said => said.code === 0,
        )
        await eventually(
          () => readyPods('app=hello'),
          names => names.length === 4,
          60_000,
        )
        await ok(kubectl(['scale', 'deployment', 'hello', '--replicas=3']))
        await eventually(containers, ids => ids.length === 6, 60_000)
        await eventually(
          () => run('curl', ['-sf', '-m', '5', '-H', 'Host: hello.example', 'http://127.0.0.1/']),
          said => said.out.includes('Hello from Skiff'),
        )
      },
    )

  await t.test('down --keep-data and up bring the same objects back', async t => {
    const uid = await ok(kubectl(['get', 'deployment', 'hello', '-o', 'jsonpath={.metadata.uid}']))
    await ok(skiff(['down', '--keep-data']))
    t.strictSame(differences(before, await machineSnapshot()), [])
    await ok(skiff(['up']))
    t.equal(await ok(kubectl(['get', 'deployment', 'hello', '-o', 'jsonpath={.metadata.uid}'])), uid)
    await eventually(
      () => readyPods('app=hello'),
      names => names.length === 3,
      60_000,
    )
    await eventually(
      () => run('curl', ['-sf', '-m', '5', '-H', 'Host: hello.example', 'http://127.0.0.1/']),
      said => said.out.includes('Hello from Skiff'),
    )
  })

  await t.test('up recovers by itself when everything was killed, and the pods kept running', async t => {
    const running = await containers()
    for (const pid of skiffProcesses())
      if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('containerd-shim')) process.kill(pid, 'SIGKILL')
    await ok(run('sh', ['-c', 'pkill -9 nginx || true']))
    const said = await skiff(['up'])
    t.equal(said.code, 0, `${said.out}${said.err}`)
    t.strictSame(await eventually(containers, ids => ids.length === 6), running)
    await eventually(
      () => readyPods('app=hello'),
      names => names.length === 3,
      60_000,
    )
  })

  await t.test('down cleans up after everything was killed, the Engine and its shims too', async t => {
    for (const pid of skiffProcesses())
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended with its parent.
      }
    const said = await skiff(['down'])
    t.equal(said.code, 0, said.err)
    t.strictSame(differences(before, await machineSnapshot()), [])
    t.equal((await skiff(['down'])).code, 0, 'a second down is harmless')
  })
})
