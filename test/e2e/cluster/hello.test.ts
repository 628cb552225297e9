import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { differences, machineSnapshot } from './machine-snapshot.ts'
import { checkout, eventually, kubectl, ok, readyPods, run, skiff } from './skiff.ts'

const podIp = async (pod: string) => ok(kubectl(['get', 'pod', pod, '-o', 'jsonpath={.status.podIP}']))
const inPod = (pod: string, ...command: string[]) => kubectl(['exec', pod, '--', ...command])
const containerOf = async (pod: string, container: string) =>
  (
    await ok(
      run('docker', [
        'ps',
        '-q',
        '--filter',
        `label=io.kubernetes.pod.name=${pod}`,
        '--filter',
        `label=io.kubernetes.container.name=${container}`,
      ]),
    )
  ).trim()

t.test('a cluster from nothing to hello and back', { timeout: 600_000 }, async t => {
  // A cluster that somebody left up would be taken for the state to come back to.
  await skiff(['down'])
  const before = await machineSnapshot()
  t.teardown(async () => {
    await skiff(['down'])
  })

  await t.test('up brings a Ready node', async t => {
    const said = await skiff(['up'])
    t.equal(said.code, 0, `${said.out}${said.err}`)
    t.match(said.out, /export KUBECONFIG=/)
    t.match(await ok(kubectl(['get', 'nodes'])), / Ready /)
    t.equal((await skiff(['up'])).code, 0, 'a second up is harmless')
    t.equal((await skiff(['status'])).code, 0)
  })

  await t.test(
    'the example gives three Running, Ready pods with pause containers and addresses of their own',
    async t => {
      await ok(skiff(['kubectl', 'apply', '-f', 'examples/hello.yaml']))
      const pods = await eventually(
        () => readyPods('app=hello'),
        names => names.length === 3,
      )
      const addresses = await Promise.all(pods.map(podIp))
      t.equal(new Set(addresses).size, 3)
      for (const address of addresses) t.match(address, /^10\.244\.0\.\d+$/)
      for (const pod of pods) {
        const [pause, web] = await Promise.all([containerOf(pod, 'POD'), containerOf(pod, 'web')])
        t.ok(pause, `${pod} has a pause container`)
        t.equal(
          (await ok(run('docker', ['inspect', '-f', '{{.HostConfig.NetworkMode}}', web]))).trim().slice(0, 22),
          `container:${pause}`,
        )
        t.match(
          (await ok(run('docker', ['inspect', '-f', '{{.HostConfig.IpcMode}}', web]))).trim(),
          `container:${pause}`,
        )
        t.match(await ok(inPod(pod, 'cat', '/etc/hello/message')), 'Hello from Skiff')
        t.match(await ok(inPod(pod, 'sh', '-c', 'echo $TOKEN')), 'not-so-secret')
      }
    },
  )

  await t.test('names, addresses and ports lead to the pods', async t => {
    const pods = await readyPods('app=hello')
    const [first = '', second = ''] = pods
    for (const url of ['http://hello', 'http://hello.default.svc.cluster.local'])
      t.match(await ok(inPod(first, 'wget', '-qO-', url)), 'Hello from Skiff', url)
    const answers = new Set<string>()
    await eventually(
      async () => answers.add((await ok(inPod(first, 'wget', '-qO-', 'http://hello'))).trim()),
      seen => seen.size === 3,
    )
    t.ok(
      [...answers].some(answer => answer.includes(first)),
      'a pod reaches itself through its own Service',
    )

    const clusterIp = await ok(kubectl(['get', 'service', 'hello', '-o', 'jsonpath={.spec.clusterIP}']))
    const nodeIp = await ok(
      kubectl(['get', 'node', '-o', 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}']),
    )
    for (const [what, args] of [
      ['ClusterIP', [`http://${clusterIp}`]],
      ['NodePort', [`http://${nodeIp}:30080`]],
      ['Ingress', ['-H', 'Host: hello.example', `http://${nodeIp}`]],
    ] as const)
      t.match(
        (
          await eventually(
            () => run('curl', ['-sf', '-m', '5', ...args]),
            said => said.code === 0,
            15_000,
          )
        ).out,
        'Hello from Skiff',
        what,
      )
    t.equal(
      (await run('curl', ['-s', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', `http://${nodeIp}`])).out,
      '404',
      'an unknown host is not found',
    )

    // The server logs the client's address as it sees it: no NAT between pods, nor from a pod to the node.
    await ok(inPod(second, 'wget', '-qO-', `http://${await podIp(first)}:8080/`))
    t.match(await ok(kubectl(['logs', first])), await podIp(second), 'pods reach each other without NAT')
  })

  await t.test('the API leads to pods, Services and nodes', async t => {
    const [pod = ''] = await readyPods('app=hello')
    const raw = (path: string) => ok(kubectl(['get', '--raw', path]))
    const here = '/api/v1/namespaces/default'
    t.match(await raw(`${here}/services/hello:80/proxy/`), 'Hello from Skiff')
    t.match(await raw(`${here}/pods/${pod}:8080/proxy/`), 'Hello from Skiff')
    const node = await ok(kubectl(['get', 'node', '-o', 'jsonpath={.items[0].metadata.name}']))
    t.equal(await raw(`/api/v1/nodes/${node}/proxy/healthz`), 'ok')
    t.match(await ok(kubectl(['get', 'apiservice', 'v1.apps'])), /Local +True/)
    t.match(await ok(kubectl(['get', 'flowschema', 'system-nodes'])), /system +500 +ByUser +\S+ +False/)
    const trust = ['get', 'configmap', '-n', 'kube-system', 'extension-apiserver-authentication']
    const names = await ok(kubectl([...trust, '-o', 'jsonpath={.data.requestheader-allowed-names}']))
    t.equal(names, '["front-proxy-client"]')
  })

  await t.test('iptables-save and dig explain the Service', async t => {
    const rules = await ok(run('iptables-save', []))
    t.match(rules, /-A KUBE-SERVICES -d [\d.]+\/32 -p tcp -m comment --comment "default\/hello:http cluster IP"/)
    t.match(rules, /:KUBE-SVC-[A-Z2-7]{16} /)
    t.match(rules, /-A KUBE-SEP-[A-Z2-7]{16} .*--comment "default\/hello:http"/)
    const dig = async (...args: string[]) =>
      (await ok(run('dig', ['+short', '+time=2', '+tries=2', '@10.96.0.10', ...args]))).trim()
    const address = await dig('hello.default.svc.cluster.local')
    t.match(address, /^10\.96\./)
    t.match(await dig('_http._tcp.hello.default.svc.cluster.local', 'SRV'), '80 hello.default.svc.cluster.local.')
    t.equal(await dig('-x', address), 'hello.default.svc.cluster.local.')
    t.match(await dig('+tcp', 'hello.default.svc.cluster.local'), address)
  })

  await t.test('kubectl does what it does upstream', async t => {
    const pods = await readyPods('app=hello')
    const [first = ''] = pods
    t.match(await ok(kubectl(['apply', '-f', `${checkout}/examples/hello.yaml`])), 'deployment.apps/hello unchanged')
    const version = () => ok(kubectl(['get', 'deployment', 'hello', '-o', 'jsonpath={.metadata.resourceVersion}']))
    const was = await version()
    await ok(kubectl(['apply', '-f', `${checkout}/examples/hello.yaml`]))
    t.equal(await version(), was, 'applying it unchanged writes nothing')

    await ok(kubectl(['scale', 'deployment', 'hello', '--replicas=5']))
    await eventually(
      () => readyPods('app=hello'),
      names => names.length === 5,
    )
    await ok(kubectl(['scale', 'deployment', 'hello', '--replicas=3']))
    await eventually(
      () => readyPods('app=hello'),
      names => names.length === 3,
    )

    const victim = (await readyPods('app=hello'))[0] ?? ''
    await ok(kubectl(['delete', 'pod', victim]))
    await eventually(
      () => readyPods('app=hello'),
      names => names.length === 3 && !names.includes(victim),
    )

    await ok(kubectl(['rollout', 'restart', 'deployment/hello']))
    await ok(kubectl(['rollout', 'status', 'deployment/hello', '--timeout=60s'], { timeoutMs: 70_000 }))
    t.notOk((await readyPods('app=hello')).includes(first), 'a restart replaces the pods')
    t.match(await ok(kubectl(['rollout', 'history', 'deployment/hello'])), /^2/m)
    await ok(kubectl(['rollout', 'undo', 'deployment/hello']))
    await ok(kubectl(['rollout', 'status', 'deployment/hello', '--timeout=60s'], { timeoutMs: 70_000 }))

    t.match(await ok(kubectl(['get', 'pods', '-o', 'wide'])), /NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/)
    const pod = (await readyPods('app=hello'))[0] ?? ''
    t.match(
      await ok(kubectl(['describe', 'pod', pod])),
      /Successfully assigned[\s\S]*Started container web|Started container web/i,
    )
    t.match(await ok(kubectl(['get', 'events'])), /Scheduled|Started/)
    await ok(kubectl(['label', 'pod', pod, 'seen=yes']))
    t.match(await ok(kubectl(['get', 'pods', '-l', 'seen=yes', '-o', 'name'])), `pod/${pod}`)

    writeFileSync('/tmp/skiff-editor.sh', '#!/bin/sh\nsed -i "s/message: .*/message: edited/" "$1"\n', { mode: 0o755 })
    await ok(kubectl(['edit', 'configmap', 'hello'], { env: { KUBE_EDITOR: '/tmp/skiff-editor.sh' } }))
    t.equal(await ok(kubectl(['get', 'configmap', 'hello', '-o', 'jsonpath={.data.message}'])), 'edited')
    t.match(
      (
        await run('script', ['-qec', `kubectl exec -it ${pod} -- sh -c 'tty; exit 3'`, '/dev/null'], {
          env: { KUBECONFIG: '/var/lib/skiff/kubeconfigs/admin.kubeconfig' },
        })
      ).out,
      '/dev/pts/',
    )
    t.equal((await inPod(pod, 'sh', '-c', 'exit 3')).code, 3, 'the exit code comes back')
  })

  await t.test('logs -f shows lines as they are written', async t => {
    const pod = (await readyPods('app=hello'))[0] ?? ''
    const follower = spawn('kubectl', ['logs', '-f', pod], {
      env: { ...process.env, KUBECONFIG: '/var/lib/skiff/kubeconfigs/admin.kubeconfig' },
    })
    let seen = ''
    follower.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    const ip = await podIp(pod)
    await run('curl', ['-s', '-m', '5', `http://${ip}:8080/not-there`])
    await eventually(
      async () => seen,
      text => text.includes('response:404'),
    )
    follower.kill()
    t.match(seen, 'the token has 13 characters')
  })

  await t.test('delete -f removes everything, and the pods end', async () => {
    await ok(kubectl(['delete', '-f', `${checkout}/examples/hello.yaml`], { timeoutMs: 60_000 }))
    await eventually(
      () => kubectl(['get', 'pods', '-o', 'name']),
      said => said.out.trim() === '',
    )
  })

  await t.test('down leaves the machine as it was', async t => {
    await ok(skiff(['down']))
    t.strictSame(differences(before, await machineSnapshot()), [])
  })
})
