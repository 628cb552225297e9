import { createServer } from 'node:net'
import t from 'tap'
import { differences, machineSnapshot } from './machine-snapshot.ts'
import { eventually, kubectl, ok, run, skiff } from './skiff.ts'

const pod = (name: string, spec: Record<string, unknown>) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'skiff/busybox:1', imagePullPolicy: 'IfNotPresent', ...spec }],
    },
  })

t.test('a host or a command line that does not fit', { timeout: 300_000 }, async t => {
  await skiff(['down'])
  const before = await machineSnapshot()

  for (const { name, args, code, says } of [
    { name: 'an unknown flag is misuse', args: ['up', '--nodse', '3'], code: 2, says: /unknown flag: --nodse/ },
    { name: 'an unknown command is misuse', args: ['upp'], code: 2, says: /unknown command: upp/ },
    {
      name: 'what is not built is named',
      args: ['up', '--proxy-mode', 'ipvs'],
      code: 2,
      says: /--proxy-mode ipvs is not built/,
    },
    {
      name: 'a command that is not built is named',
      args: ['explain', 'service/x'],
      code: 2,
      says: /explain is not built/,
    },
    {
      name: 'an overlapping range is named with the route',
      args: ['up', '--pod-cidr', '127.0.0.0/8', '--node-ip', '127.0.0.1'],
      code: 1,
      says: /127/,
    },
    {
      name: 'an address of another host is refused',
      args: ['up', '--node-ip', '203.0.113.9'],
      code: 1,
      says: /203.0.113.9 is not an address of this host/,
    },
    {
      name: 'kubectl without a cluster says what to do',
      args: ['kubectl', 'get', 'pods'],
      code: 1,
      says: /run .\/skiff up/,
    },
  ])
    await t.test(name, async t => {
      if (args.includes('127.0.0.0/8')) await ok(run('ip', ['route', 'add', '127.9.0.0/16', 'dev', 'lo']))
      const said = await skiff(args)
      if (args.includes('127.0.0.0/8')) await run('ip', ['route', 'delete', '127.9.0.0/16', 'dev', 'lo'])
      t.equal(said.code, code, said.err)
      t.match(said.err, says)
    })

  await t.test('up without root says so', async t => {
    const said = await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', './skiff', 'up'])
    t.equal(said.code, 1)
    t.match(said.err, /needs root/)
  })

  await t.test('a taken port is named with who needs it', async t => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(6443, '127.0.0.1', resolve))
    const said = await skiff(['up'])
    server.close()
    t.equal(said.code, 1)
    t.match(said.err, /port 6443 on 127.0.0.1, which the API server needs[\s\S]*ss -ltnp/)
  })

  await t.test('a full disk is found before anything is changed', async t => {
    await ok(run('sh', ['-c', 'mkdir -p /tmp/skiff-small && mount -t tmpfs -o size=10m tmpfs /tmp/skiff-small']))
    const said = await skiff(['up', '--data-dir', '/tmp/skiff-small/data'])
    await ok(run('sh', ['-c', 'umount /tmp/skiff-small && rmdir /tmp/skiff-small']))
    t.equal(said.code, 1)
    t.match(said.err, /MiB free; at least/)
  })

  t.strictSame(differences(before, await machineSnapshot()), [], 'nothing half-installed is left')
})

t.test('manifests and pods that cannot work', { timeout: 400_000 }, async t => {
  t.teardown(async () => {
    await skiff(['down'])
  })
  // From nothing, so that the first surely still works when the second comes.
  await t.test('while another up runs, a second one says so', async t => {
    const [first, second] = await Promise.all([skiff(['up']), skiff(['up'])])
    t.strictSame(new Set([first.code, second.code]), new Set([0, 1]))
    t.match(`${first.err}${second.err}`, /another skiff up or down is running/)
  })

  for (const { name, manifest, says } of [
    {
      name: 'a pod without containers is refused with the field path',
      manifest: '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[]}}',
      says: /The Pod "x" is invalid: spec.containers: Required value/,
    },
    {
      name: 'a container without an image is refused with its index',
      manifest: '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[{"name":"a"}]}}',
      says: /spec.containers\[0\].image: Required value/,
    },
    {
      name: 'an unknown field is refused by name',
      manifest:
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"contaners":[],"containers":[{"name":"a","image":"b"}]}}',
      says: /unknown field "spec.contaners"/,
    },
    {
      name: 'an unknown kind is named',
      manifest: '{"apiVersion":"v1","kind":"Bod","metadata":{"name":"x"}}',
      says: /no matches for kind "Bod"/,
    },
    {
      name: 'a definition of a kind that does not describe its fields is refused',
      manifest:
        '{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"bods.example.com"},"spec":{"group":"example.com","names":{"kind":"Bod","plural":"bods"},"scope":"Namespaced","versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{}}}}}]}}',
      says: /must not be empty for specified object fields/,
    },
    {
      name: 'a selector that does not match its template is refused',
      manifest:
        '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"c"}},"spec":{"containers":[{"name":"a","image":"b"}]}}}}',
      says: /`selector` does not match template `labels`/,
    },
  ])
    await t.test(name, async t => {
      const said = await kubectl(['apply', '-f', '-'], { input: manifest })
      t.equal(said.code, 1)
      t.match(said.err, says)
    })

  const described = (name: string, pattern: RegExp, timeoutMs = 30_000) =>
    eventually(
      async () => (await kubectl(['describe', 'pod', name])).out,
      text => pattern.test(text),
      timeoutMs,
    )

  await t.test('an image that cannot be pulled says so, with back-off', async () => {
    await ok(
      kubectl(['apply', '-f', '-'], {
        input: pod('no-image', { image: 'registry.invalid/none:1', imagePullPolicy: 'Always' }),
      }),
    )
    await described('no-image', /ErrImagePull|ImagePullBackOff/)
    await described('no-image', /Failed to pull image "registry.invalid\/none:1"/)
    await described('no-image', /Back-off pulling image/, 60_000)
  })

  await t.test('a command that does not exist says so', async () => {
    await ok(kubectl(['apply', '-f', '-'], { input: pod('no-command', { command: ['/no/such/program'] }) }))
    await described('no-command', /no such file or directory/)
  })

  await t.test('a container that exits goes into CrashLoopBackOff', async () => {
    await ok(kubectl(['apply', '-f', '-'], { input: pod('crash', { command: ['false'] }) }))
    await described('crash', /CrashLoopBackOff/, 60_000)
    await described('crash', /Back-off restarting failed container/)
  })

  await t.test('a probe that fails is an event, and keeps the pod from being Ready', async t => {
    await ok(
      kubectl(['apply', '-f', '-'], {
        input: pod('unready', {
          command: ['sleep', '1000'],
          readinessProbe: { exec: { command: ['false'] }, periodSeconds: 1 },
        }),
      }),
    )
    await described('unready', /Readiness probe failed/)
    t.match(await ok(kubectl(['get', 'pod', 'unready'])), /0\/1/)
  })
})
