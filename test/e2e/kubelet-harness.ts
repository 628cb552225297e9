import { mkdirSync, rmSync } from 'node:fs'
import { pino } from 'pino'
import type { Event, Node, Pod, PodSpec } from 'kubernetes-types/core/v1.js'
import { systemClock } from '../../host/clock.ts'
import { DockerEngine } from '../../host/docker/docker-engine.ts'
import { DockerImages } from '../../host/docker/docker-images.ts'
import { busyboxImage, ensureBusyboxImage, ensurePauseImage } from '../../host/docker/local-images.ts'
import { FakeJournal } from '../../host/journal.ts'
import { FakeClient } from '../../kube/client/fake-client.ts'
import { resolveOptions } from '../../kube/options.ts'
import { events, nodes, pods } from '../../kube/resources.ts'
import { options } from '../../daemons/kubelet/options.ts'
import { start, type RunningKubelet } from '../../daemons/kubelet/start.ts'
import { startTestEngine } from './engine.ts'

/** Waits for something that another process does. */
export const until = async (what: string, check: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> => {
  const end = Date.now() + ms
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`still waiting after ${ms} ms: ${what}`)
    await systemClock.sleep(5)
  }
}

/** A pod of one busybox that sleeps, on the test's node. */
export const podOf = (name: string, spec: Partial<PodSpec>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: {
    nodeName: 'node-1',
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'app', image: busyboxImage, command: ['sleep', '1000'] }],
    ...spec,
  },
})

/** A kubelet with a real Engine and an API in memory, all below one directory. */
export const kubeletHarness = async (root: string) => {
  const host = await startTestEngine(`${root}/engine`)
  const images = new DockerImages(host)
  const engine = new DockerEngine(host)
  await ensurePauseImage(images)
  await ensureBusyboxImage(images)
  const [confDir, binDir] = [`${root}/net.d`, `${root}/bin`]
  for (const directory of [confDir, binDir]) mkdirSync(directory, { recursive: true })
  const client = new FakeClient()
  const journal = new FakeJournal()

  const launch = async (): Promise<{ kubelet: RunningKubelet; stop(): Promise<void> }> => {
    const stop = new AbortController()
    const kubelet = await start(
      resolveOptions(options, {
        nodeIp: '127.0.0.1',
        hostnameOverride: 'node-1',
        rootDir: `${root}/kubelet`,
        containerRuntimeEndpoint: `unix://${host.socketPath}`,
        cniConfDir: confDir,
        cniBinDir: binDir,
        cniCacheDir: `${root}/cni-cache`,
      }),
      {
        signal: stop.signal,
        log: pino({ level: process.env['SKIFF_TEST_LOG'] ?? 'silent' }, pino.destination(2)),
        journal,
        client,
      },
    )
    await until('the node is ready', () =>
      client
        .objects<Node>(nodes)
        .some(n => n.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True') ?? false),
    )
    return {
      kubelet,
      async stop() {
        stop.abort(new Error('the test is over'))
        await kubelet.done
      },
    }
  }
  const get = (name: string) => client.get(pods, name, { namespace: 'default' })
  const gone = (name: string) =>
    until(`${name} is gone`, () => !client.objects<Pod>(pods).some(p => p.metadata?.name === name))
  return {
    client,
    engine,
    journal,
    confDir,
    binDir,
    launch,
    get,
    gone,
    create: (pod: Pod) => client.create(pods, pod),
    phaseIs: (name: string, phase: string) =>
      until(`${name} is ${phase}`, async () => (await get(name)).status?.phase === phase),
    readyIs: (name: string, status: string) =>
      until(`${name} is Ready=${status}`, async () =>
        ((await get(name)).status?.conditions ?? []).some(c => c.type === 'Ready' && c.status === status),
      ),
    remove: async (name: string, gracePeriodSeconds = 1) => {
      await client.delete(pods, name, { namespace: 'default', gracePeriodSeconds })
      await gone(name)
    },
    reasons: (name: string) =>
      client
        .objects<Event>(events)
        .filter(e => e.involvedObject.name === name)
        .map(e => `${e.reason}: ${e.message}`),
    stop: async () => {
      await host.stop()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
