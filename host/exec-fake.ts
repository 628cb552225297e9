import type { Exec, ExecOptions, ExecResult } from './exec.ts'

export interface FakeCall {
  file: string
  args: readonly string[]
  stdin: string
}

/** Records every call; `answer` decides what a program says (default: nothing, exit 0). */
export class FakeExec implements Exec {
  readonly calls: FakeCall[] = []
  answer: (call: FakeCall) => Partial<ExecResult> | Promise<Partial<ExecResult>>
  constructor(answer: FakeExec['answer'] = () => ({})) {
    this.answer = answer
  }
  async run(file: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    options.signal?.throwIfAborted()
    const call = { file, args, stdin: String(options.stdin ?? '') }
    this.calls.push(call)
    return { exitCode: 0, stdout: '', stderr: '', ...(await this.answer(call)) }
  }
}
