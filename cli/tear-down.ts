import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, SkiffError } from '../kube/errors.ts'
import type { Exec } from '../host/exec.ts'
import { forgetJournal, readJournal } from '../host/journal.ts'
import { processesInCgroup, undoChanges } from '../host/undo.ts'
import { readClusterConfig, type ClusterConfig } from './cluster-config.ts'
import { engineAnswers, startSystemdEngine, stopSystemdEngine, waitForEngine } from './engine.ts'
import { engineCgroup, engineSocket, layout, runDir, runLayout } from './layout.ts'
import { clusterProcesses, endProcesses, isAlive, isEngineProcess, startTicksOf } from './processes.ts'
import { readSupervisorState } from './supervisor/supervise.ts'

export interface TearDownOptions {
  /** Keep the objects, certificates and images for the next `up`. */
  keepData: boolean
  exec: Exec
}

/**
 * Stops a cluster and undoes what it did to the machine, whatever is still alive of it: works from the journal, from
 * /proc and from the cgroup of the containers, and needs neither the Engine nor the API to answer. Goes on after a
 * failure; throws AggregateError at the end.
 */
export const tearDown = async (dataDir: string, options: TearDownOptions): Promise<void> => {
  const failures: unknown[] = []
  const attempt = async (work: () => Promise<void>) => work().catch((error: unknown) => failures.push(error))
  const config = readConfigQuietly(dataDir)

  await attempt(() => endDaemons(dataDir))
  switch (config?.engine) {
    case 'found':
      await attempt(() => removeContainersByEngine(config.nodeName))
      break
    case 'systemd':
      await attempt(() => endSystemdEngine(config, options.exec))
      break
    default:
      await attempt(() => endOwnContainers(dataDir))
  }
  await attempt(async () => {
    const report = await undoChanges(readJournal(layout(dataDir).journal), options.exec)
    for (const { change, error } of report.failures)
      failures.push(
        new SkiffError('INTERNAL', `cannot undo ${JSON.stringify(change)}: ${messageOf(error)}`, { cause: error }),
      )
  })
  if (failures.length > 0)
    throw new AggregateError(failures, failures.map(messageOf).join('\n'), { cause: failures[0] })
  // Only when all is undone may the journal go: a second `down` must find what is left.
  removeFiles(dataDir, options.keepData)
}

const readConfigQuietly = (dataDir: string): ClusterConfig | undefined => {
  try {
    return readClusterConfig(dataDir)
  } catch {
    return undefined
  }
}

/** The supervisor first, so that nothing is started again; it ends its children in order. Then whatever is left. */
const endDaemons = async (dataDir: string): Promise<void> => {
  const supervisor = readSupervisorState()?.supervisor
  // The containers must be gone before their Engine: the supervisor is stopped hard and its children one by one.
  if (supervisor !== undefined && isAlive(supervisor)) await endProcesses([supervisor], 0)
  const daemons = clusterProcesses(dataDir).filter(({ pid }) => !isEngineProcess(pid))
  await endProcesses(daemons, 3000)
}

/**
 * Containers of our own Engine are found by their cgroup: SIGTERM, a moment, SIGKILL. Then the Engine and the shims.
 * No call to the Engine is needed, which may be dead or hung.
 */
const endOwnContainers = async (dataDir: string): Promise<void> => {
  const inContainers = processesInCgroup(engineCgroup).flatMap(pid => {
    const startTicks = startTicksOf(pid)
    return startTicks === undefined ? [] : [{ pid, startTicks }]
  })
  await endProcesses(inContainers, 300)
  await endProcesses(clusterProcesses(dataDir), 5000)
  rmSync(runLayout.enginePid, { force: true })
  if (!(await engineAnswers())) rmSync(engineSocket, { force: true })
}

/** docker.service is started again if it was killed: it alone knows the mounts that it made under its own directory. */
const endSystemdEngine = async (config: ClusterConfig, exec: Exec): Promise<void> => {
  if (!(await engineAnswers())) {
    await startSystemdEngine(exec)
    await waitForEngine(60_000, AbortSignal.timeout(60_000))
  }
  await removeContainersByEngine(config.nodeName)
  await stopSystemdEngine(exec, config.engineUnits)
}

/** Our containers and images leave an Engine that is not ours alone, by their labels and names. */
const removeContainersByEngine = async (nodeName: string): Promise<void> => {
  if (!(await engineAnswers()))
    throw new SkiffError(
      'UNAVAILABLE',
      `the Docker Engine on ${engineSocket} does not answer, so the pods' containers cannot be removed`,
      {
        remedy: 'start it, then run ./skiff down again',
      },
    )
  const { DockerEngine } = await import('../host/docker/docker-engine.ts')
  const { DockerImages } = await import('../host/docker/docker-images.ts')
  const engine = new DockerEngine({ socketPath: engineSocket })
  const containers = await engine.list({ 'io.skiff.node': nodeName })
  await Promise.all(containers.map(container => engine.remove(container.id)))
  const images = new DockerImages({ socketPath: engineSocket })
  for (const image of await images.list())
    for (const tag of image.tags.filter(name => name.startsWith('skiff/'))) await images.remove(tag)
}

/** Of the data directory only what describes the cluster and its images survives `--keep-data`. */
// Without its key what is encrypted in the store could not be read again.
const kept = new Set([
  'pki',
  'kubeconfigs',
  'store',
  'encryption.json',
  'cluster.json',
  'engine',
  'engine.json',
  'logs',
])

const removeFiles = (dataDir: string, keepData: boolean): void => {
  forgetJournal(layout(dataDir).journal)
  rmSync(runDir, { recursive: true, force: true })
  if (!existsSync(dataDir)) return
  if (!keepData) return rmSync(dataDir, { recursive: true, force: true })
  for (const name of readdirSync(dataDir))
    if (!kept.has(name)) rmSync(join(dataDir, name), { recursive: true, force: true })
}
