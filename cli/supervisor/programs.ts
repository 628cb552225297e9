import { join } from 'node:path'
import type { ClusterConfig } from '../cluster-config.ts'
import { engineCgroup, engineSocket, layout, mainScript, runLayout } from '../layout.ts'
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
    '--log-level=warn',
  ]
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
  }
  return [
    ...(config.engine === 'own' ? [engine] : []),
    // Small semi-spaces: the default of 16 MB each would be a good part of a small daemon's memory.
    node('control-plane', ['--max-semi-space-size=4'], 10_000),
    node('node', ['--max-semi-space-size=2'], 10_000),
  ]
}
