import t from 'tap'
import { eventually, kubectl, ok, run, skiff } from './skiff.ts'

interface PodStatus {
  phase?: string
  reason?: string
  podIP?: string
  containerStatuses?: {
    ready: boolean
    restartCount: number
    state?: { waiting?: { reason?: string }; terminated?: { reason?: string; exitCode?: number; message?: string } }
    lastState?: { terminated?: { exitCode?: number } }
  }[]
}

const image = 'skiff/busybox:1'
const apply = (items: object[]) =>
  ok(kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) }))
const pod = (name: string, script: string, container: object = {}, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { name } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'c', image, command: ['sh', '-c', script], ...container }],
    ...spec,
  },
})
const statuses = async (): Promise<Record<string, PodStatus>> => {
  const list = JSON.parse(await ok(kubectl(['get', 'pods', '-o', 'json']))) as {
    items: { metadata: { name: string }; status?: PodStatus }[]
  }
  return Object.fromEntries(list.items.map(({ metadata, status }) => [metadata.name, status ?? {}]))
}
const first = (status: PodStatus | undefined) => status?.containerStatuses?.[0]
const inPod = (name: string, script: string) => ok(kubectl(['exec', name, '--', 'sh', '-c', script]))

/** Each pod, and what its status comes to. */
const pods: { name: string; pod: object; comesTo: (status: PodStatus) => boolean }[] = [
  {
    name: 'an impossible image name holds back nobody else',
    pod: pod('bad-image', '', { image: 'Bad Image' }),
    comesTo: s => first(s)?.state?.waiting?.reason === 'InvalidImageName',
  },
  {
    name: 'an image that must not be pulled and is missing is told',
    pod: pod('never', '', { image: 'none/such:1', imagePullPolicy: 'Never' }),
    comesTo: s => first(s)?.state?.waiting?.reason === 'ErrImageNeverPull',
  },
  {
    name: 'a command that does not exist ends a pod that never restarts',
    pod: pod('no-command', '', { command: ['/nope'] }, { restartPolicy: 'Never' }),
    comesTo: s => s.phase === 'Failed' && first(s)?.state?.terminated?.reason === 'ContainerCannotRun',
  },
  {
    name: 'last words come from the file',
    pod: pod('words', 'echo bye > /dev/termination-log; exit 4', {}, { restartPolicy: 'Never' }),
    comesTo: s => s.phase === 'Failed' && first(s)?.state?.terminated?.message === 'bye\n',
  },
  {
    name: 'too much memory is OOMKilled',
    pod: pod(
      'oom',
      'x=a; while true; do x=$x$x; done',
      { resources: { limits: { memory: '16Mi' } } },
      { restartPolicy: 'Never' },
    ),
    comesTo: s => first(s)?.state?.terminated?.reason === 'OOMKilled',
  },
  {
    name: 'a failing liveness probe restarts at once, then waits',
    pod: pod('sick', 'sleep 1000', {
      livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 },
    }),
    comesTo: s => first(s)?.restartCount === 2 && first(s)?.state?.waiting?.reason === 'CrashLoopBackOff',
  },
  {
    name: 'the deadline ends a pod',
    pod: pod('late', 'sleep 1000', {}, { activeDeadlineSeconds: 4 }),
    comesTo: s => s.phase === 'Failed' && s.reason === 'DeadlineExceeded',
  },
  {
    name: 'an unsafe sysctl is refused',
    pod: pod('sysctl', '', {}, { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    comesTo: s => s.phase === 'Failed' && s.reason === 'SysctlForbidden',
  },
  {
    name: 'root is refused where it must not be',
    pod: pod('root', '', {}, { securityContext: { runAsNonRoot: true } }),
    comesTo: s => first(s)?.state?.waiting?.reason === 'CreateContainerConfigError',
  },
  {
    name: 'a pod whose sidecar outlives its work has succeeded',
    pod: pod(
      'sidecar',
      'sleep 1',
      {},
      {
        restartPolicy: 'Never',
        initContainers: [{ name: 's', image, command: ['sleep', '1000'], restartPolicy: 'Always' }],
      },
    ),
    comesTo: s => s.phase === 'Succeeded',
  },
]

t.test('workloads as their users try them', { timeout: 300_000 }, async t => {
  await skiff(['down'])
  t.teardown(async () => {
    await skiff(['down'])
  })
  await ok(skiff(['up']))

  await t.test('pods come to what they should', async t => {
    await apply(pods.map(p => p.pod))
    const names = pods.map(({ pod: made }) => (made as { metadata: { name: string } }).metadata.name)
    for (const [index, { name, comesTo }] of pods.entries())
      await eventually(statuses, all => comesTo(all[names[index] ?? ''] ?? {}), 40_000).then(
        () => t.pass(name),
        (error: unknown) => t.fail(name, { error: String(error) }),
      )
    await ok(kubectl(['delete', 'pods', '--all', '--now']))
  })

  await t.test('config map files follow their object, and one set of them stands', async t => {
    await apply([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cm' }, data: { a: 'old' } },
      pod(
        'files',
        'sleep 1000',
        { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        {
          hostname: 'h',
          subdomain: 'sub',
          setHostnameAsFQDN: true,
          volumes: [{ name: 'v', configMap: { name: 'cm' } }],
        },
      ),
    ])
    await ok(kubectl(['wait', '--for=condition=Ready', 'pod/files', '--timeout=20s']))
    t.equal((await inPod('files', 'hostname')).trim(), 'h.sub.default.svc.cluster.local')
    await ok(kubectl(['patch', 'configmap', 'cm', '--type=merge', '-p', '{"data":{"a":"new","b":"x"}}']))
    await eventually(
      () => inPod('files', 'cat /v/a'),
      text => text === 'new',
    )
    await eventually(
      () => inPod('files', 'ls -a /v | grep -c "^\\.\\.2"'),
      count => count.trim() === '1',
    )
    t.pass('the new value is there, and only its set of files')
  })

  await t.test(
    'run --rm -i gives output and exit code, also when input has ended and the program is quick',
    async t => {
      for (const [name, script] of [
        ['quick', 'echo out; exit 5'],
        ['slow', 'sleep 1; echo out; exit 5'],
      ] as const) {
        const run = ['run', name, `--image=${image}`, '--restart=Never', '--rm', '-i', '--', 'sh', '-c', script]
        const said = await kubectl(run, { timeoutMs: 20_000 })
        t.equal(said.code, 5, said.err)
        t.match(said.out, /^out$/m)
      }
      await apply([pod('unschedulable', '', {}, { nodeSelector: { no: 'node' } })])
      t.equal(await ok(kubectl(['logs', 'unschedulable'])), '', 'a pod without a node has no logs')
    },
  )

  await t.test('a Service leads to named ports that differ by pod, and a headless one names its pods', async t => {
    const web = (name: string, port: number) =>
      pod(
        name,
        `mkdir /w; echo ${name} > /w/index.html; httpd -f -p ${port} -h /w`,
        {
          ports: [{ name: 'web', containerPort: port }],
          readinessProbe: { tcpSocket: { port: 'web' }, periodSeconds: 1 },
        },
        { hostname: name, subdomain: 'sub' },
      )
    const service = (name: string, spec: object) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'web' }], ...spec },
    })
    const labelled = [web('web-1', 8080), web('web-2', 9090)].map(p => ({
      ...p,
      metadata: { ...p.metadata, labels: { app: 'web' } },
    }))
    await apply([...labelled, service('named', {}), service('sub', { clusterIP: 'None' })])
    await ok(kubectl(['wait', '--for=condition=Ready', 'pod', '-l', 'app=web', '--timeout=20s']))
    const seen = new Set<string>()
    await eventually(
      async () => seen.add((await inPod('files', 'wget -qO- http://named || true')).trim()),
      answers => answers.has('web-1') && answers.has('web-2'),
    )
    const all = await statuses()
    const { out } = await run('dig', ['+short', '@10.96.0.10', 'web-1.sub.default.svc.cluster.local'])
    t.equal(out.trim(), all['web-1']?.podIP)
  })

  await t.test('a taint drives away what does not tolerate it, in time', async t => {
    const node = (await ok(kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}']))).trim()
    const tolerations = [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 3 }]
    await apply([pod('patient', 'sleep 1000', {}, { tolerations })])
    await ok(kubectl(['wait', '--for=condition=Ready', 'pod/patient', '--timeout=20s']))
    await ok(kubectl(['taint', 'node', node, 'k=v:NoExecute']))
    await eventually(statuses, all => all['files'] === undefined && all['patient'] !== undefined)
    await eventually(statuses, all => all['patient'] === undefined, 15_000)
    await ok(kubectl(['taint', 'node', node, 'k-']))
    t.pass('both went, the tolerant one later')
  })
})
