import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './skiff.ts'

const text = async (file: string, args: string[]): Promise<string> => (await run(file, args)).out

/** Counters, ages and other things that move by themselves. */
const steady = (line: string): boolean => !/valid_lft|^#/.test(line.trim())

const lines = (said: string, change: (line: string) => string = line => line): string[] =>
  said.split('\n').filter(steady).map(change).filter(Boolean)

const sysctls = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return sysctls(path)
    try {
      return [`${path}=${readFileSync(path, 'utf8').trim()}`]
    } catch {
      return []
    }
  })

/** Kernel statistics and random numbers that live among the settings. */
const moving =
  /random|dentry|inode|file-nr|nr_open|pty\/nr|ns_last_pid|nf_conntrack_count|netdev_rss_key|quota|keys\/|\/neigh\/.*\/(base_reachable_time)/

/** Everything that `down` promises to leave as it was. */
export const machineSnapshot = async (): Promise<Record<string, string[]>> => ({
  iptables: lines(await text('iptables-save', []), line => line.replace(/\[\d+:\d+\]/, '')),
  nft: lines(await text('nft', ['-s', 'list', 'ruleset'])),
  links: lines(await text('ip', ['-o', 'link', 'show']), line => line.replace(/^\d+: /, '')),
  addresses: lines(await text('ip', ['-o', 'address', 'show']), line =>
    line.replace(/^\d+: /, '').replace(/valid_lft.*/, ''),
  ),
  routes: lines(await text('ip', ['route', 'show', 'table', 'all'])),
  namespaces: lines(await text('ip', ['netns', 'list'])),
  mounts: readFileSync('/proc/self/mounts', 'utf8').split('\n'),
  containers: lines((await run('docker', ['ps', '-aq'])).out),
  sysctls: [...sysctls('/proc/sys/net'), ...sysctls('/proc/sys/kernel'), ...sysctls('/proc/sys/fs')].filter(
    line => !moving.test(line),
  ),
  listening: lines(await text('ss', ['-Hlntu']), line => line.replaceAll(/\s+/g, ' ')).sort(),
  processes: lines(await text('ps', ['-eo', 'args'])).filter(
    line => /skiff|dockerd|containerd|nginx/.test(line) && !/test|npm|tap|ps -eo|<defunct>|nginx: worker/.test(line),
  ),
  cgroups: readdirSync('/sys/fs/cgroup').flatMap(name => {
    try {
      return readdirSync(join('/sys/fs/cgroup', name))
        .filter(child => child === 'skiff' || child === 'docker')
        .map(child => `${name}/${child}`)
    } catch {
      return []
    }
  }),
})

/** What differs, for a readable failure. */
export const differences = (before: Record<string, string[]>, after: Record<string, string[]>): string[] =>
  Object.keys(before).flatMap(key => {
    const [was, is] = [new Set(before[key]), new Set(after[key])]
    return [
      ...[...was].filter(line => !is.has(line)).map(line => `${key}: - ${line}`),
      ...[...is].filter(line => !was.has(line)).map(line => `${key}: + ${line}`),
    ]
  })
