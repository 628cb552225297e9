import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/**
 * A change to the machine, with what is needed to undo it. Written down before the change is made, so that `down`
 * can undo it whatever was killed in between; undoing a change that was never made does nothing.
 */
export type Change =
  /** A /proc/sys value. `key` with slashes: `net/ipv4/ip_forward`. */
  | { kind: 'sysctl'; key: string; before: string }
  /** A kernel module that was not loaded before. */
  | { kind: 'module'; name: string }
  /** A link that did not exist before (a bridge, a veth's host end). */
  | { kind: 'link'; name: string }
  /** An address added to a link: `10.96.0.10/32` on `lo`. */
  | { kind: 'address'; link: string; address: string }
  | { kind: 'route'; destination: string; link: string }
  /** iptables chains of ours, by prefix (`KUBE-`), with every rule that jumps to them, in these tables. */
  | { kind: 'iptables'; family: 'ip' | 'ip6'; prefix: string; tables: string[] }
  /** The nftables tables and chains that stood before ours were made (`nftObjects`), one a line. */
  | { kind: 'nft-tables'; before: string }
  /** An nftables table of ours. */
  | { kind: 'nft-table'; family: string; table: string }
  /** Everything mounted at or below this directory. */
  | { kind: 'mounts'; under: string }
  /** A directory or file that did not exist before. */
  | { kind: 'path'; path: string }
  /** A file that was replaced; before: null where there was none. */
  | { kind: 'file'; path: string; before: string | null }
  /** A network namespace under /run/netns. */
  | { kind: 'netns'; name: string }
  /** A cgroup (relative to each hierarchy's root), with every process in it. */
  | { kind: 'cgroup'; path: string }

export interface Journal {
  /** Durable when it returns. The same change recorded twice is kept once, the first one's `before` wins. */
  record(change: Change): void
}

const identity = (change: Change): string => {
  const { ...rest } = change
  if ('before' in rest) rest.before = ''
  return JSON.stringify(rest)
}

/** Appends to `<directory>/<writer>.jsonl`; each process has a writer name of its own. */
export class FileJournal implements Journal {
  readonly #file: string
  readonly #seen = new Set<string>()
  constructor(directory: string, writer: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#file = join(directory, `${writer}.jsonl`)
    for (const change of existsSync(this.#file) ? parseJournal(readFileSync(this.#file, 'utf8')) : [])
      this.#seen.add(identity(change))
  }
  record(change: Change): void {
    const id = identity(change)
    if (this.#seen.has(id)) return
    const fd = openSync(this.#file, 'a', 0o600)
    try {
      writeSync(fd, `${JSON.stringify(change)}\n`)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    this.#seen.add(id)
  }
}

/** A torn last line (the process was killed while it wrote) is a change that was never made: it is left out. */
const parseJournal = (text: string): Change[] =>
  text.split('\n').flatMap(line => {
    if (line === '') return []
    try {
      return [JSON.parse(line) as Change]
    } catch {
      return []
    }
  })

/** Every change any process wrote down, oldest first within each writer. */
export const readJournal = (directory: string): Change[] => {
  if (!existsSync(directory)) return []
  const seen = new Set<string>()
  return readdirSync(directory)
    .filter(name => name.endsWith('.jsonl'))
    .sort()
    .flatMap(name => parseJournal(readFileSync(join(directory, name), 'utf8')))
    .filter(change => !seen.has(identity(change)) && seen.add(identity(change)))
}

export const forgetJournal = (directory: string): void => rmSync(directory, { recursive: true, force: true })

/** Keeps what was recorded in memory. */
export class FakeJournal implements Journal {
  readonly changes: Change[] = []
  record(change: Change): void {
    if (!this.changes.some(c => identity(c) === identity(change))) this.changes.push(change)
  }
}
