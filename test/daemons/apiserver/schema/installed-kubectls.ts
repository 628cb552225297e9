import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The kubectl on PATH, and of the versions that stand beside the real one the oldest and the newest. */
export const installedKubectls = (): string[] => {
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    const file = join(directory, 'kubectl')
    if (!existsSync(file)) continue
    const real = realpathSync(file)
    const versions = readdirSync(dirname(real))
      .filter(name => /^kubectl\.1\.\d+$/.test(name))
      .sort()
    const beside = [versions.at(0), versions.at(-1)].filter(name => name !== undefined)
    return [real, ...beside.map(name => join(dirname(real), name))]
  }
  return []
}
