import type { DaemonContext } from '../../host/daemon.ts'
import type { ApiServerOptions } from './options.ts'
import type { Registry } from './registry/registry.ts'
import { keepUp } from './registry/upkeep.ts'

/** What was started last is put away first, and each although another could not be. */
export const putAwayAll = async (stops: readonly (() => void | Promise<void>)[]): Promise<void> => {
  const errors: unknown[] = []
  for (const stop of stops.toReversed()) {
    try {
      await stop()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, 'the API server could not put away what it had started')
}

/** Removes what is old until the daemon is stopped; then puts everything away. */
export const untilStopped = async (
  registry: Registry,
  { eventTtl: eventTtlMs }: ApiServerOptions,
  { signal, log }: Pick<DaemonContext, 'signal' | 'log'>,
  putAway: () => Promise<void>,
): Promise<void> => {
  try {
    await keepUp(registry, {
      eventTtlMs,
      signal,
      onError: err => log.error({ err }, 'removing old events failed'),
    })
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await putAway()
  }
}
