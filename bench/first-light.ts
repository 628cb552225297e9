import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { createHttpClient } from '../kube/client/http-client.ts'
import { readKubeconfig } from '../kube/client/kubeconfig.ts'
import type { KubeClient } from '../kube/client/client.ts'
import { pods } from '../kube/resources.ts'
import { runOk, systemExec } from '../host/exec.ts'
import { clusterProcesses } from '../cli/processes.ts'
import { median, spread } from './median.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const dataDir = '/var/lib/skiff'
const image = 'skiff/busybox:1'

const skiff = (...args: string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(join(root, 'skiff'), args, { stdio: ['ignore', 'ignore', 'inherit'] })
    child.on('close', code =>
      code === 0 ? resolve() : reject(new Error(`skiff ${args.join(' ')}: exit code ${code}`)),
    )
  })

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now()
  await work()
  return performance.now() - started
}

const podOf = (name: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', '1000'] }],
  },
})

/** Milliseconds from the create call to the first watch event that says Running. */
const createToRunning = async (client: KubeClient, name: string): Promise<number> => {
  const stop = new AbortController()
  const started = performance.now()
  const created = await client.create(pods, podOf(name))
  try {
    const watch = client.watch(pods, {
      namespace: 'default',
      fieldSelector: `metadata.name=${name}`,
      resourceVersion: created.metadata?.resourceVersion ?? '0',
      signal: stop.signal,
    })
    for await (const event of watch) if (event.object.status?.phase === 'Running') return performance.now() - started
    throw new Error(`the watch of ${name} ended`)
  } finally {
    stop.abort()
    await client.delete(pods, name, { namespace: 'default', gracePeriodSeconds: 0 })
  }
}

/** The same two containers by the Engine alone: a pause container without network, and one that joins it. */
const bareContainers = async (n: number): Promise<number> => {
  const [pause, main] = [`bench-pause-${n}`, `bench-main-${n}`]
  const took = await timed(async () => {
    await runOk(systemExec, 'docker', [
      'run',
      '-d',
      '--name',
      pause,
      '--network',
      'none',
      '--ipc',
      'shareable',
      'skiff/pause:3',
    ])
    await runOk(systemExec, 'docker', [
      'run',
      '-d',
      '--name',
      main,
      '--network',
      `container:${pause}`,
      image,
      'sleep',
      '1000',
    ])
  })
  await runOk(systemExec, 'docker', ['rm', '-f', main, pause])
  return took
}

/**
 * Memory in MiB: resident pages, and the process's fair share of them (proportional set size: a page that two
 * processes share counts half for each, so that a sum counts it once).
 */
const memoryMib = (pid: number): { resident: number; share: number } => {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    const read = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) / 1024
    return { resident: read('Rss'), share: read('Pss') }
  } catch {
    return { resident: 0, share: 0 }
  }
}

const nameOf = (pid: number): string => {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  const main = words.findIndex(word => word.endsWith('dist/cli/main.js'))
  return main >= 0 ? (words[main + 1] ?? 'node') : ((words[0] ?? '').split(/[\s:]/)[0]?.split('/').pop() ?? '')
}

const isEngine = (name: string): boolean => /^(dockerd|containerd)/.test(name)

/** Up to Ready, one pod to Running beside the bare containers, and memory at rest. */
export const firstLight = async (): Promise<string> => {
  const ups: number[] = []
  for (let run = 0; run < 5; run++) {
    ups.push(await timed(() => skiff('up')))
    if (run < 4) await skiff('down')
  }
  try {
    const client = createHttpClient(readKubeconfig(`${dataDir}/kubeconfigs/admin.kubeconfig`))
    const ours: number[] = []
    const bare: number[] = []
    for (let run = 0; run < 10; run++) {
      ours.push(await createToRunning(client, `bench-${run}`))
      bare.push(await bareContainers(run))
    }
    client.close()
    await new Promise(resolve => setTimeout(resolve, 15_000))
    const memory = clusterProcesses(dataDir).map(({ pid }) => ({ name: nameOf(pid), ...memoryMib(pid) }))
    const own = memory.filter(({ name }) => !isEngine(name))
    const sum = (key: 'resident' | 'share', of = own) => of.reduce((total, one) => total + one[key], 0).toFixed(0)
    return [
      '| figure | median | min to max | target | upstream |',
      '| --- | --- | --- | --- | --- |',
      `| \`up\` to Ready, everything installed | ${(median(ups) / 1000).toFixed(2)} s | ${spread(ups, 1000)} | 4 s | 3.4 s warm, 13 s cold |`,
      `| one pod, create to Running, image present | ${median(ours).toFixed(0)} ms | ${spread(ours)} | 700 ms | 700 to 1,500 ms |`,
      `| the same two containers by \`docker run\` alone | ${median(bare).toFixed(0)} ms | ${spread(bare)} | | |`,
      `| memory of all of Skiff's processes at rest, resident | ${sum('resident')} MiB | ${own.map(one => `${one.name} ${one.resident.toFixed(0)}`).join(', ')} | 350 MB | 656 MB |`,
      `| the same, shared pages counted once | ${sum('share')} MiB | | | |`,
      `| the Engine's, besides, resident | ${sum(
        'resident',
        memory.filter(({ name }) => isEngine(name)),
      )} MiB | | | |`,
    ].join('\n')
  } finally {
    await skiff('down')
  }
}
