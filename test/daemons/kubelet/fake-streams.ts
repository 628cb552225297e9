import { PassThrough, Readable } from 'node:stream'
import type { Duplex } from 'node:stream'
import type { ContainerStreams, ExecSession } from '../../../host/container-engine.ts'
import { SkiffError } from '../../../kube/errors.ts'

/** Programs that `run` decides about; logs are empty. */
export class FakeStreams implements ContainerStreams {
  readonly ran: { id: string; command: readonly string[] }[] = []
  run: (id: string, command: readonly string[]) => Promise<number> = async () => 0
  async logs(): Promise<{ stdout: Readable; stderr: Readable }> {
    return { stdout: Readable.from([]), stderr: Readable.from([]) }
  }
  async exec(id: string, options: { command: readonly string[] }): Promise<ExecSession> {
    this.ran.push({ id, command: options.command })
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const exited = this.run(id, options.command).finally(() => {
      stdout.end()
      stderr.end()
    })
    return { stdin, stdout, stderr, resize: async () => {}, exited }
  }
  attach(): Promise<ExecSession> {
    throw new SkiffError('NOT_IMPLEMENTED', 'attach in a test')
  }
  connect(): Promise<Duplex> {
    throw new SkiffError('NOT_IMPLEMENTED', 'connect in a test')
  }
}
