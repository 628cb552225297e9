import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, SkiffError, unreachable } from '../kube/errors.ts'
import { runOk, type Exec } from './exec.ts'
import { writeFileAtomic } from './files.ts'
import { removeChains } from './iptables-removal.ts'
import type { Change } from './journal.ts'

/**
 * The order in which kinds of change are undone: what uses a thing goes before the thing. Rules before links, so that
 * no packet meets half a rule set; nft tables after the chains that made them; sysctls late, because removing links
 * needs none of them; files last.
 */
const order: readonly Change['kind'][] = [
  'cgroup',
  'netns',
  'mounts',
  'iptables',
  'nft-table',
  'nft-tables',
  'route',
  'address',
  'link',
  'sysctl',
  'module',
  'file',
  'path',
]

/** Newest first within each kind, kinds in the order above. */
export const undoOrder = (changes: readonly Change[]): Change[] =>
  order.flatMap(kind => changes.filter(change => change.kind === kind).toReversed())

export interface UndoReport {
  undone: number
  failures: { change: Change; error: unknown }[]
}

/** Undoes every change, going on after a failure; what was never made, or is gone already, is no failure. */
export const undoChanges = async (changes: readonly Change[], exec: Exec): Promise<UndoReport> => {
  const report: UndoReport = { undone: 0, failures: [] }
  for (const change of undoOrder(changes)) {
    try {
      await undo(change, exec)
      report.undone++
    } catch (error) {
      report.failures.push({ change, error })
    }
  }
  return report
}

const undo = async (change: Change, exec: Exec): Promise<void> => {
  switch (change.kind) {
    case 'sysctl':
      return undoSysctl(change.key, change.before)
    case 'module':
      return removeModule(exec, change.name)
    case 'link':
      if (existsSync(`/sys/class/net/${change.name}`)) await runOk(exec, 'ip', ['link', 'delete', change.name])
      return
    case 'address':
      return tolerate(exec, 'ip', ['address', 'delete', change.address, 'dev', change.link])
    case 'route':
      return tolerate(exec, 'ip', ['route', 'delete', change.destination, 'dev', change.link])
    case 'iptables':
      return removeChains(exec, change)
    case 'nft-table':
      return tolerate(exec, 'nft', ['delete', 'table', change.family, change.table])
    case 'nft-tables':
      return removeEmptyTables(exec, new Set(change.before.split('\n')))
    case 'mounts':
      return unmountBelow(exec, change.under)
    case 'netns':
      return tolerate(exec, 'ip', ['netns', 'delete', change.name])
    case 'cgroup':
      return removeCgroup(change.path)
    case 'file':
      if (change.before === null) rmSync(change.path, { force: true })
      else writeFileAtomic(change.path, change.before)
      return
    case 'path':
      return rmSync(change.path, { recursive: true, force: true })
    default:
      return unreachable(change)
  }
}

/** Runs a deletion whose object may be gone already: "cannot find", "no such", "not found" are all well. */
const tolerate = async (exec: Exec, file: string, args: readonly string[]): Promise<void> => {
  const { exitCode, stderr } = await exec.run(file, args)
  if (exitCode === 0 || /cannot find|no such|not found|does not exist|cannot assign/i.test(stderr)) return
  throw new SkiffError('COMMAND_FAILED', `${file} ${args.join(' ')}: ${stderr.trim()}`)
}

/** A module that was never loaded, or that somebody else uses by now, stays as it is. */
const removeModule = async (exec: Exec, name: string): Promise<void> => {
  if (existsSync(`/sys/module/${name}/refcnt`)) await exec.run('modprobe', ['-r', name])
}

const undoSysctl = (key: string, before: string): void => {
  const path = join('/proc/sys', key)
  // Per-interface keys vanish with their interface.
  if (existsSync(path) && readFileSync(path, 'utf8').trim() !== before.trim()) writeFileSync(path, before)
}

/** Mount points at or below a directory, deepest and newest first; from /proc/self/mountinfo (its octal escapes decoded). */
export const mountsBelow = (mountinfo: string, under: string): string[] =>
  mountinfo
    .split('\n')
    .map(line =>
      (line.split(' ')[4] ?? '').replaceAll(/\\(\d{3})/g, (_, octal: string) =>
        String.fromCodePoint(parseInt(octal, 8)),
      ),
    )
    .filter(point => point === under || point.startsWith(`${under}/`))
    .toReversed()

const unmountBelow = async (exec: Exec, under: string): Promise<void> => {
  const failures: unknown[] = []
  for (const point of mountsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), under))
    // Lazy: a process of another user that still looks at it must not keep the rest from being undone.
    await runOk(exec, 'umount', ['-l', point]).catch(error => failures.push(error))
  if (failures.length > 0)
    throw new AggregateError(failures, `mounts left under ${under}: ${failures.map(messageOf).join('; ')}`)
}

/**
 * Every table and chain in the output of `nft list chains`, as `family table` and `family table chain`: what is
 * written down before iptables-nft makes its own.
 */
export const nftObjects = (listing: string): string[] => {
  let table = ''
  return listing.split('\n').flatMap(line => {
    const opened = /^table (\S+ \S+) \{/.exec(line)?.[1]
    if (opened !== undefined) return [(table = opened)]
    const chain = /^\s+chain (\S+) \{/.exec(line)?.[1]
    return chain === undefined ? [] : [`${table} ${chain}`]
  })
}

/**
 * iptables-nft makes `table ip nat` and its base chains when first used and never takes them away. Those that did
 * not stand before and hold no rule any more are removed, so that `nft list ruleset` is what it was.
 */
const removeEmptyTables = async (exec: Exec, before: ReadonlySet<string>): Promise<void> => {
  if ((await exec.run('nft', ['--version'])).exitCode !== 0) return
  // Tables come before their chains: a table that goes takes its chains with it, and they are not looked at.
  const gone = new Set<string>()
  for (const object of nftObjects(await runOk(exec, 'nft', ['list', 'chains']))) {
    const words = object.split(' ')
    const kind = words.length === 2 ? 'table' : 'chain'
    if (before.has(object) || gone.has(words.slice(0, 2).join(' '))) continue
    const listing = await runOk(exec, 'nft', ['-s', 'list', kind, ...words])
    if (!isEmptyTable(listing)) continue
    await runOk(exec, 'nft', ['delete', kind, ...words])
    gone.add(object)
  }
}

/** True when the listing of a table or chain holds nothing but base chains that accept. */
export const isEmptyTable = (listing: string): boolean =>
  listing
    .split('\n')
    .map(line => line.trim())
    .every(
      line =>
        line === '' ||
        line === '}' ||
        /^(table|chain) .*\{$/.test(line) ||
        /^type .* policy accept;$/.test(line) ||
        line.startsWith('#'),
    )

const cgroupRoots = (): string[] => {
  const root = '/sys/fs/cgroup'
  if (!existsSync(root)) return []
  if (existsSync(join(root, 'cgroup.controllers'))) return [root]
  return readdirSync(root).map(name => join(root, name))
}

const cgroupTree = (directory: string): string[] =>
  existsSync(directory)
    ? [
        ...readdirSync(directory, { withFileTypes: true })
          .filter(entry => entry.isDirectory())
          .flatMap(entry => cgroupTree(join(directory, entry.name))),
        directory,
      ]
    : []

/** The processes in a cgroup and everything below it, in any hierarchy. */
export const processesInCgroup = (path: string): number[] => {
  const pids = cgroupRoots()
    .flatMap(root => cgroupTree(join(root, path)))
    .flatMap(directory => {
      try {
        return readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
      } catch {
        return []
      }
    })
  return [...new Set(pids)].filter(pid => pid > 0)
}

const removeCgroup = async (path: string): Promise<void> => {
  // A killed process leaves its cgroup a moment after it is gone from view: EBUSY passes by itself.
  for (let attempt = 0; ; attempt++) {
    for (const pid of processesInCgroup(path)) killQuietly(pid)
    try {
      for (const directory of cgroupRoots().flatMap(root => cgroupTree(join(root, path)))) rmdirSync(directory)
      return
    } catch (error) {
      if (attempt >= 40) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

const killQuietly = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone in the meantime.
  }
}
