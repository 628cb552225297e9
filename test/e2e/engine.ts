import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { systemExec } from '../../host/exec.ts'
import { systemClock } from '../../host/clock.ts'
import { DockerEngine } from '../../host/docker/docker-engine.ts'

export interface TestEngine {
  socketPath: string
  stop(): Promise<void>
}

/** The daemon of a run that was killed; undefined when none lives there. */
const runningDaemon = (directory: string): number | undefined => {
  const file = `${directory}/docker.pid`
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : NaN
  const command = `/proc/${pid}/cmdline`
  return existsSync(command) && readFileSync(command, 'utf8').includes(directory) ? pid : undefined
}

const unmountBelow = async (directory: string): Promise<void> => {
  const targets = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(target => target.startsWith(`${directory}/`))
  for (const target of targets.toReversed()) await systemExec.run('umount', ['-l', target])
}

const answers = async (engine: DockerEngine, alive: () => boolean): Promise<void> => {
  for (let attempt = 0; ; attempt++) {
    try {
      await engine.version()
      return
    } catch (error) {
      if (attempt > 400 || !alive()) throw error
      await systemClock.sleep(50)
    }
  }
}

/**
 * A Docker Engine of the test's own: its socket, data and state lie under `directory`, it makes no bridge and no
 * iptables rule, and `stop` leaves nothing of it. What a killed run left there is taken away first.
 */
export const startTestEngine = async (directory: string): Promise<TestEngine> => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const old = runningDaemon(directory)
  if (old !== undefined) {
    process.kill(old, 'SIGTERM')
    while (runningDaemon(directory) !== undefined) await systemClock.sleep(50)
  }
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
      '--ip-forward=false',
      '--live-restore',
      '--log-level=error',
    ],
    { stdio: 'ignore', env },
  )
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const engine = new DockerEngine({ socketPath })
  await answers(engine, () => child.exitCode === null)
  const removeAll = async () => {
    for (const container of await engine.list({})) await engine.remove(container.id)
  }
  await removeAll()
  return {
    socketPath,
    async stop() {
      await removeAll()
      child.kill('SIGTERM')
      await ended
      await unmountBelow(directory)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
