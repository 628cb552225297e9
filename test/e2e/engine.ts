import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemExec } from '../../host/exec.ts'
import { systemClock } from '../../host/clock.ts'
import { DockerEngine } from '../../host/docker/docker-engine.ts'

export interface TestEngine {
  socketPath: string
  stop(): Promise<void>
}

/**
 * A Docker Engine of the test's own: its socket, data and state lie under `directory`, it makes no bridge and no
 * iptables rule, and `stop` leaves nothing of it.
 */
export const startTestEngine = async (directory: string, signal?: AbortSignal): Promise<TestEngine> => {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const socketPath = `${directory}/docker.sock`
  const env = { ...process.env }
  delete env['NODE_EXTRA_CA_CERTS']
  const child = spawn(
    'dockerd',
    [
      `--host=unix://${socketPath}`,
      `--data-root=${directory}/data`,
      `--exec-root=${directory}/exec`,
      `--pidfile=${directory}/docker.pid`,
      '--bridge=none',
      '--iptables=false',
      '--live-restore',
      '--log-level=error',
    ],
    { stdio: 'ignore', env },
  )
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const engine = new DockerEngine({ socketPath })
  for (let attempt = 0; ; attempt++) {
    try {
      await engine.version(signal)
      break
    } catch (error) {
      if (attempt > 200 || child.exitCode !== null) throw error
      await systemClock.sleep(50, signal)
    }
  }
  return {
    socketPath,
    async stop() {
      for (const container of await engine.list({})) await engine.remove(container.id)
      child.kill('SIGTERM')
      await ended
      await systemExec.run('umount', ['-l', `${directory}/exec/netns/default`])
      await systemExec.run('umount', ['-l', `${directory}/data/overlay2`])
      rmSync(dirname(socketPath), { recursive: true, force: true })
    },
  }
}
