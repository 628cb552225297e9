import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterConfig } from '../cluster-config.ts'
import { engineCgroup, engineSocket, layout, mainScript, runLayout } from '../layout.ts'
import { endProcesses, programOf, startTicksOf } from '../processes.ts'
import type { ChildSpec } from './child.ts'

/**
 * The Engine's flags: no bridge, no rules and no sysctls of its own (the pod network is Skiff's), containers that
 * survive its restart, everything below directories that `down` removes.
 */
export const engineArgs = (dataDir: string): string[] => {
  const paths = layout(dataDir)
  return [
    '--config-file',
    paths.engineConfig,
    '--host',
    `unix://${engineSocket}`,
    '--data-root',
    paths.engineData,
    '--exec-root',
    runLayout.engineExec,
    '--pidfile',
    runLayout.enginePid,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
    '--live-restore',
    `--cgroup-parent=/${engineCgroup}`,
    // A cgroup named by its path: the systemd driver, the default where systemd runs, takes slices only.
    '--exec-opt=native.cgroupdriver=cgroupfs',
    '--log-level=warn',
  ]
}

/**
 * A killed dockerd takes its containerd with it, but a moment later: a new dockerd that still finds it waits 15 s for
 * an answer that never comes. So the old one is ended first, and the pid files that would name a stranger go.
 */
const clearAfterEngine = async (): Promise<void> => {
  const pidFile = join(runLayout.engineExec, 'containerd/containerd.pid')
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0
  const startTicks = pid > 0 ? startTicksOf(pid) : undefined
  if (startTicks !== undefined && programOf(pid) === 'containerd') await endProcesses([{ pid, startTicks }], 0)
  for (const file of [pidFile, runLayout.enginePid]) rmSync(file, { force: true })
}

/** What the supervisor keeps running, in the order of start; ended in the opposite order. */
export const programs = (dataDir: string, config: ClusterConfig): ChildSpec[] => {
  const paths = layout(dataDir)
  const env: NodeJS.ProcessEnv = { ...process.env, SKIFF_DATA_DIR: dataDir, SKIFF_JOURNAL_DIR: paths.journal }
  const node = (name: string, flags: string[], stopGraceMs: number): ChildSpec => ({
    name,
    file: process.execPath,
    args: [...flags, mainScript, name, '--data-dir', dataDir],
    env,
    logFile: join(paths.logs, `${name}.log`),
    stopGraceMs,
  })
  const engine: ChildSpec = {
    name: 'engine',
    file: 'dockerd',
    args: engineArgs(dataDir),
    env,
    logFile: join(paths.logs, 'engine.log'),
    stopGraceMs: 15_000,
    beforeStart: clearAfterEngine,
  }
  return [
    ...(config.engine === 'own' ? [engine] : []),
    // Small semi-spaces: the default of 16 MB each would be a good part of a small daemon's memory.
    node('control-plane', ['--max-semi-space-size=4'], 10_000),
    node('node', ['--max-semi-space-size=2'], 10_000),
  ]
}
