import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { layout, mainScript } from '../layout.ts'
import { startTicksOf, type ProcessId } from '../processes.ts'

/** Starts the supervisor in the background, with its own log, independent of the caller. */
export const startSupervisor = (dataDir: string): ProcessId => {
  const log = openSync(join(layout(dataDir).logs, 'supervisor.log'), 'a', 0o600)
  const child = spawn(process.execPath, ['--max-semi-space-size=1', mainScript, 'supervise', '--data-dir', dataDir], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: { ...process.env, SKIFF_DATA_DIR: dataDir },
  })
  child.unref()
  closeSync(log)
  const pid = child.pid ?? 0
  return { pid, startTicks: startTicksOf(pid) ?? 0 }
}
