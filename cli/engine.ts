import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { SkiffError } from '../kube/errors.ts'
import { systemClock } from '../host/clock.ts'
import { runOk, type Exec } from '../host/exec.ts'
import { writeFileAtomic } from '../host/files.ts'
import type { ClusterConfig } from './cluster-config.ts'
import { engineSocket } from './layout.ts'

/** True when a Docker Engine answers on the socket within a second. */
export const engineAnswers = (socketPath = engineSocket): Promise<boolean> =>
  new Promise(resolve => {
    const call = request({ socketPath, path: '/_ping', timeout: 1000 }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(false))
    call.end()
  })

export const systemdRuns = (): boolean => existsSync('/run/systemd/system')

/** Which Engine this cluster uses: one that answers, docker.service where systemd runs, else a dockerd of our own. */
export const chooseEngine = async (): Promise<ClusterConfig['engine']> =>
  (await engineAnswers()) ? 'found' : systemdRuns() ? 'systemd' : 'own'

const dropInDir = '/run/systemd/system/docker.service.d'
const engineUnits = ['docker.service', 'docker.socket', 'containerd.service'] as const

/** The Engine's units that do not run now: those that `down` stops again. */
export const idleEngineUnits = async (exec: Exec): Promise<string[]> => {
  const idle: string[] = []
  for (const unit of engineUnits)
    if ((await exec.run('systemctl', ['is-active', '--quiet', unit])).exitCode !== 0) idle.push(unit)
  return idle
}

/** Keeps the Engine from making a bridge and rules of its own, so that there is less to undo. Under /run: a reboot forgets it. */
const dropIn = `[Service]
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --live-restore --cgroup-parent=/skiff --exec-opt native.cgroupdriver=cgroupfs
`

/** Starts docker.service with flags of our own, by a drop-in. */
export const startSystemdEngine = async (exec: Exec): Promise<void> => {
  mkdirSync(dropInDir, { recursive: true })
  writeFileAtomic(`${dropInDir}/skiff.conf`, dropIn)
  await runOk(exec, 'systemctl', ['daemon-reload'])
  await runOk(exec, 'systemctl', ['start', 'docker.service'], { timeoutMs: 90_000 })
}

/** Stops the units that were idle before, and takes the drop-in away. */
export const stopSystemdEngine = async (exec: Exec, units: readonly string[]): Promise<void> => {
  if (units.length > 0) await runOk(exec, 'systemctl', ['stop', ...units], { timeoutMs: 90_000 })
  rmSync(dropInDir, { recursive: true, force: true })
  await runOk(exec, 'systemctl', ['daemon-reload'])
}

/** Resolves when the Engine answers; UNAVAILABLE after the time given. */
export const waitForEngine = async (timeoutMs: number, signal: AbortSignal): Promise<void> => {
  const deadline = systemClock.now() + timeoutMs
  while (!(await engineAnswers())) {
    if (systemClock.now() > deadline)
      throw new SkiffError('UNAVAILABLE', `no Docker Engine answers on ${engineSocket} after ${timeoutMs / 1000} s`, {
        remedy: 'see the log of the engine (skiff status names it)',
      })
    await systemClock.sleep(25, signal)
  }
}
