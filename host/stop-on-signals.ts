/** A controller that aborts when the process is asked to end; the reason names the signal. */
export const stopOnSignals = (): AbortController => {
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
  return stop
}
