import { readFileSync, rmSync } from 'node:fs'
import { pino } from 'pino'
import { writeFileAtomic } from '../../host/files.ts'
import { stopOnSignals } from '../../host/stop-on-signals.ts'
import { readClusterConfig } from '../cluster-config.ts'
import type { Output } from '../command.ts'
import { dataDirFlag } from '../data-dir-flag.ts'
import { runLayout } from '../layout.ts'
import { endProcesses, startTicksOf, type ProcessId } from '../processes.ts'
import { Child, type ChildState } from './child.ts'
import { programs } from './programs.ts'

/** What `status` and the next supervisor read: /run/skiff/supervisor.json. */
export interface SupervisorState {
  supervisor: ProcessId
  children: ChildState[]
}

/** The state file's content; undefined when there is none, or it was torn. */
export const readSupervisorState = (): SupervisorState | undefined => {
  try {
    return JSON.parse(readFileSync(runLayout.supervisor, 'utf8')) as SupervisorState
  } catch {
    return undefined
  }
}

/**
 * Keeps the cluster's processes running until SIGTERM. A supervisor that finds the children of one that was killed
 * ends them first (pods keep running: they belong to the Engine's shims) and starts its own.
 */
export const run = async (argv: readonly string[], _output: Output): Promise<number> => {
  const dataDir = dataDirFlag(argv)
  const log = pino({ base: { name: 'supervisor' } })
  const stop = stopOnSignals()
  const orphans = readSupervisorState()?.children ?? []
  // An orphaned Engine would hold the socket and the pid file that the new one needs.
  await endProcesses(orphans, 10_000)

  const self: ProcessId = { pid: process.pid, startTicks: startTicksOf(process.pid) ?? 0 }
  const children: Child[] = []
  const save = () => {
    const state: SupervisorState = { supervisor: self, children: children.flatMap(child => child.state ?? []) }
    writeFileAtomic(runLayout.supervisor, JSON.stringify(state), 0o600)
  }
  for (const spec of programs(dataDir, readClusterConfig(dataDir))) children.push(new Child(spec, log, save))
  // The Engine outlives the node, which needs it to the end; each child stops when its own controller says so.
  const controllers = children.map(() => new AbortController())
  const kept = children.map((child, i) => child.keep(controllers[i]?.signal ?? stop.signal))
  save()
  // It may have come already, while the orphans were being ended.
  if (!stop.signal.aborted)
    await new Promise<void>(resolve => stop.signal.addEventListener('abort', () => resolve(), { once: true }))
  for (let i = children.length - 1; i >= 0; i--) {
    controllers[i]?.abort()
    await kept[i]
  }
  rmSync(runLayout.supervisor, { force: true })
  return 0
}
