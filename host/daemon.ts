import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { pino, type Logger } from 'pino'
import type { KubeClient } from '../kube/client/client.ts'
import { messageOf, SkiffError } from '../kube/errors.ts'
import {
  helpOf,
  optionsFromConfig,
  optionsFromFlags,
  resolveOptions,
  type OptionsOf,
  type OptionTable,
} from '../kube/options.ts'
import { FileJournal, type Journal } from './journal.ts'
import { stopOnSignals } from './stop-on-signals.ts'

/** What every daemon's `start` is given besides its options. */
export interface DaemonContext {
  /** Aborting it asks the daemon to stop; `done` resolves when it has. */
  signal: AbortSignal
  log: Logger
  /** Where changes to the machine are written down before they are made. */
  journal: Journal
  /** The API, when the starter already has a client (in `skiff up` and in tests); else the daemon builds one from its kubeconfig option. */
  client?: KubeClient
}

/** What every daemon's `start` resolves with, once it listens and does its work. */
export interface RunningDaemon {
  /** Resolves after the signal aborted and everything is put away; rejects when the daemon cannot go on. */
  done: Promise<void>
}

export interface DaemonEntry<Table extends OptionTable> {
  /** `kube-proxy`: names the journal file and the log lines. */
  name: string
  usage: string
  table: Table
  /** Flag that names the config file, when the daemon has one: `config`. Its spec must be in the table. */
  configFlag?: string
  start(options: OptionsOf<Table>, context: DaemonContext): Promise<RunningDaemon>
}

/** Options from a daemon's argv and the config file it names; flags win over the file. */
export const readOptions = <Table extends OptionTable>(
  entry: DaemonEntry<Table>,
  argv: readonly string[],
): OptionsOf<Table> => {
  const flags = optionsFromFlags(entry.table, argv)
  const configName = Object.keys(entry.table).find(name => entry.table[name]?.flag === entry.configFlag)
  const file = configName === undefined ? undefined : flags[configName as keyof Table]
  if (typeof file !== 'string' || file === '') return resolveOptions(entry.table, flags)
  let config: unknown
  try {
    config = parseYaml(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--${entry.configFlag} ${file}: ${messageOf(cause)}`, { cause })
  }
  return resolveOptions(entry.table, optionsFromConfig(entry.table, config, file), flags)
}

/**
 * The whole of a daemon's main.ts: reads argv, starts, stops on SIGTERM and SIGINT, and exits
 * 0 (stopped when asked), 1 (failed) or 2 (misused).
 */
export const runDaemon = async <Table extends OptionTable>(
  entry: DaemonEntry<Table>,
  argv: readonly string[],
): Promise<number> => {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpOf(entry.usage, entry.table))
    return 0
  }
  const log = pino({ name: entry.name, base: { name: entry.name } })
  const stop = stopOnSignals()
  try {
    const options = readOptions(entry, argv)
    const journal = new FileJournal(process.env['SKIFF_JOURNAL_DIR'] ?? '/var/lib/skiff/journal', entry.name)
    const running = await entry.start(options, { signal: stop.signal, log, journal })
    await running.done
    return 0
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return 0
    const remedy = error instanceof SkiffError && error.remedy !== undefined ? `\n${error.remedy}` : ''
    process.stderr.write(`${entry.name}: ${messageOf(error)}${remedy}\n`)
    return error instanceof SkiffError && (error.code === 'INVALID_INPUT' || error.code === 'NOT_IMPLEMENTED') ? 2 : 1
  }
}
