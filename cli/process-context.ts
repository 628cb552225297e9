import { pino, type Logger } from 'pino'
import { FileJournal } from '../host/journal.ts'
import type { DaemonContext } from '../host/daemon.ts'
import { stopOnSignals } from '../host/stop-on-signals.ts'
import type { OptionsOf, OptionTable } from '../kube/options.ts'
import { layout } from './layout.ts'

/** What the two processes of `skiff up` give their daemons: one log line format, one stop signal, one journal. */
export const processContext = (
  name: string,
  dataDir: string,
): { context: DaemonContext; daemonContext(daemon: string): DaemonContext; log: Logger } => {
  const log = pino({ base: { name } })
  const stop = stopOnSignals()
  const journal = new FileJournal(layout(dataDir).journal, name)
  const context = { signal: stop.signal, log, journal }
  return { context, log, daemonContext: daemon => ({ ...context, log: log.child({ daemon }) }) }
}

/** A daemon's defaults with these on top, checked against its table by the compiler. */
export const optionsWith = <Table extends OptionTable>(
  table: Table,
  given: Partial<OptionsOf<Table>>,
): OptionsOf<Table> =>
  ({
    ...Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, spec.default])),
    ...given,
  }) as OptionsOf<Table>

/** Resolves when every daemon has stopped as asked; rejects as soon as one fails, so that the supervisor starts the process anew. */
export const untilStopped = async (signal: AbortSignal, daemons: readonly Promise<unknown>[]): Promise<void> => {
  try {
    await Promise.all(daemons)
  } catch (error) {
    if (!signal.aborted) throw error
    await Promise.allSettled(daemons)
  }
}
