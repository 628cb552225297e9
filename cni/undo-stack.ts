/** Steps to take back, newest first, when a change of several steps fails midway. */
export class UndoStack {
  readonly #steps: (() => Promise<void> | void)[] = []
  push(step: () => Promise<void> | void): void {
    this.#steps.push(step)
  }
  /**
   * Takes every step back, going on after a failure. Returns the error to throw: the one given, or an AggregateError
   * that also holds what could not be taken back.
   */
  async unwind(error: unknown): Promise<unknown> {
    const failures: unknown[] = []
    for (const step of this.#steps.toReversed()) {
      try {
        await step()
      } catch (failure) {
        failures.push(failure)
      }
    }
    if (failures.length === 0) return error
    const first = error instanceof Error ? error.message : String(error)
    return new AggregateError([error, ...failures], `${first}; and ${failures.length} steps could not be undone`, {
      cause: error,
    })
  }
}
