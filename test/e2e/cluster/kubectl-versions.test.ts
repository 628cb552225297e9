import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { checkout, eventually, kubectl, kubectls, ok, readyPods, run, skiff } from './skiff.ts'

/** Debian's own kubectl, unpacked beside the one that is installed: the two packages collide. */
const debianKubectl = async (directory: string): Promise<string | undefined> => {
  const said = await run(
    'sh',
    ['-c', `cd ${directory} && apt-get download kubernetes-client && dpkg -x kubernetes-client_*.deb .`],
    { timeoutMs: 120_000 },
  )
  const program = join(directory, 'usr/bin/kubectl')
  return said.code === 0 && existsSync(program) ? program : undefined
}

t.test('every kubectl at hand works', { timeout: 800_000 }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-kubectl-'))
  t.teardown(async () => {
    await skiff(['down'])
    rmSync(directory, { recursive: true })
  })
  await ok(skiff(['up']))
  const debian = await debianKubectl(directory)
  const programs = [...kubectls(), ...(debian === undefined ? [] : [debian])]
  t.ok(programs.length > 0, `${programs.length} programs`)

  for (const program of programs)
    await t.test(`${program} applies, reads, execs, logs, scales, rolls and deletes`, async t => {
      const k = (args: string[], input = '') => ok(kubectl(args, { program, input, timeoutMs: 60_000 }))
      const example = `${checkout}/examples/hello.yaml`
      t.match(await k(['apply', '-f', example]), /deployment.apps\/hello created/)
      t.match(await k(['apply', '-f', example]), /deployment.apps\/hello unchanged/)
      await eventually(
        () => readyPods('app=hello'),
        names => names.length === 3,
      )
      const pod = (await readyPods('app=hello'))[0] ?? ''
      t.match(await k(['version']), /Server Version/)
      t.match(await k(['api-resources']), /deployments +deploy +apps\/v1/)
      t.match(await k(['explain', 'pod.spec.containers']), /List of containers belonging to the pod/)
      t.match(await k(['get', 'all']), /deployment.apps\/hello +3\/3/)
      t.match(await k(['get', 'pods', '-o', 'wide']), /10\.244\./)
      t.match(await k(['describe', 'deployment', 'hello']), /StrategyType: +RollingUpdate/)
      t.match(await k(['logs', pod]), /the token has 13 characters/)
      t.equal(await k(['exec', pod, '--', 'echo', 'hi']), 'hi\n')
      t.equal(await k(['exec', '-i', pod, '--', 'cat'], 'through standard input'), 'through standard input')
      await k(['scale', 'deployment', 'hello', '--replicas=1'])
      await k(['rollout', 'restart', 'deployment/hello'])
      t.match(await k(['rollout', 'status', 'deployment/hello', '--timeout=50s']), /successfully rolled out/)
      await k(['rollout', 'undo', 'deployment/hello'])
      await k(['label', 'service', 'hello', 'seen=yes'])
      await k(['apply', '--server-side', '--force-conflicts', '-f', example])
      await k(['run', 'one', '--image=skiff/busybox:1', '--restart=Never', '--', 'true'])
      await eventually(
        () => k(['get', 'pod', 'one']),
        said => said.includes('Completed'),
      )
      await k(['delete', 'pod', 'one'])
      await k(['delete', '-f', example])
      await eventually(
        () => kubectl(['get', 'pods', '-o', 'name']),
        said => said.out.trim() === '',
      )
    })
})
