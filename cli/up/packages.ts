import { accessSync, constants, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SkiffError } from '../../kube/errors.ts'
import type { Exec } from '../../host/exec.ts'

/** A Debian package, and the program that shows it is there. */
interface PackageRow {
  package: string
  program: string
}

/** What a node needs besides Node.js; adding a need is adding a row. */
export const packageRows: readonly PackageRow[] = [
  { package: 'docker.io', program: 'dockerd' },
  { package: 'iproute2', program: 'ip' },
  { package: 'iptables', program: 'iptables-restore' },
  { package: 'nftables', program: 'nft' },
  { package: 'conntrack', program: 'conntrack' },
  { package: 'nginx-light', program: 'nginx' },
  { package: 'catatonit', program: 'catatonit' },
  { package: 'busybox-static', program: 'busybox' },
  // A newer kubectl from elsewhere collides with Debian's package: it is installed only where there is none.
  { package: 'kubernetes-client', program: 'kubectl' },
]

const directories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export const isOnPath = (program: string, path = process.env['PATH'] ?? ''): boolean =>
  [...new Set([...path.split(':'), ...directories])].some(directory => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

export const missingPackages = (present: (program: string) => boolean = isOnPath): string[] =>
  packageRows.filter(row => !present(row.program)).map(row => row.package)

const policyFile = '/usr/sbin/policy-rc.d'
const denyAll = '#!/bin/sh\n# skiff: no service starts while its packages are installed\nexit 101\n'

/**
 * Installs packages without letting any of them start a service (Debian's policy-rc.d): a fresh nginx would take the
 * port that the ingress needs, and a fresh Engine would write rules of its own. A policy that was there is put back.
 */
export const installPackages = async (exec: Exec, packages: readonly string[], signal: AbortSignal): Promise<void> => {
  const aside = `${policyFile}.before-skiff`
  // After a crash in the middle of an installation ours is still there: it is not what stood before.
  const isOurs = existsSync(policyFile) && readFileSync(policyFile, 'utf8') === denyAll
  if (existsSync(policyFile) && !isOurs) renameSync(policyFile, aside)
  writeFileSync(policyFile, denyAll, { mode: 0o755 })
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = () =>
    exec.run('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], {
      env,
      timeoutMs: 900_000,
      signal,
    })
  try {
    let result = await install()
    if (result.exitCode !== 0) {
      await exec.run('apt-get', ['update'], { env, timeoutMs: 300_000, signal })
      result = await install()
    }
    if (result.exitCode !== 0)
      throw new SkiffError(
        'COMMAND_FAILED',
        `apt-get install ${packages.join(' ')}: ${lastLines(result.stderr || result.stdout)}`,
        {
          remedy: 'run that command by hand to see why; a package mirror must be reachable',
        },
      )
  } finally {
    rmSync(policyFile, { force: true })
    if (existsSync(aside)) renameSync(aside, policyFile)
  }
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-4).join('\n')
