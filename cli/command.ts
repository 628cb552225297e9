/** Where a command writes; a test gives buffers. */
export interface Output {
  out(text: string): void
  err(text: string): void
  /** `out` is a terminal: a line may be written over. */
  terminal: boolean
}

/** One row of the command table. `run` resolves with the exit code: 0 done, 1 failed, 2 misused; what it throws is printed. */
export interface Command {
  readonly name: string
  readonly summary: string
  /** Hidden commands are the processes that `up` starts. */
  readonly hidden?: boolean
  run(argv: readonly string[], output: Output): Promise<number>
}
