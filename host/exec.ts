import { spawn } from 'node:child_process'
import { SkiffError } from '../kube/errors.ts'

export interface ExecOptions {
  stdin?: string | Buffer
  signal?: AbortSignal
  env?: Record<string, string>
  cwd?: string
  /** Default 30 s; a program that takes longer is killed (SIGKILL) and the call throws TIMEOUT. */
  timeoutMs?: number
}

export interface ExecResult {
  exitCode: number
  stdout: string
  stderr: string
}

/** Runs programs: never through a shell. */
export interface Exec {
  /** Resolves whatever the exit code; throws SkiffError HOST_UNFIT when the program is not there, TIMEOUT, or the signal's reason. */
  run(file: string, args: readonly string[], options?: ExecOptions): Promise<ExecResult>
}

/** Runs and insists on exit code 0: COMMAND_FAILED carries the command and what it wrote to stderr. */
export const runOk = async (
  exec: Exec,
  file: string,
  args: readonly string[],
  options?: ExecOptions,
): Promise<string> => {
  const result = await exec.run(file, args, options)
  if (result.exitCode !== 0) {
    const said = (result.stderr.trim() || result.stdout.trim()).slice(0, 2000)
    throw new SkiffError('COMMAND_FAILED', `${file} ${args.join(' ')}: exit code ${result.exitCode}: ${said}`)
  }
  return result.stdout
}

/** The real thing. */
export const systemExec: Exec = {
  run: (file, args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(file, [...args], {
        cwd: options.cwd,
        env: options.env === undefined ? process.env : { ...process.env, ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        killSignal: 'SIGKILL',
      })
      const timeoutMs = options.timeoutMs ?? 30_000
      let timedOut = false
      const timer = setTimeout(() => {
        timedOut = true
        child.kill('SIGKILL')
      }, timeoutMs)
      const out: Buffer[] = []
      const err: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
      // A program may exit without reading its input: EPIPE here is not a failure of ours.
      child.stdin.on('error', () => {})
      child.stdin.end(options.stdin ?? '')
      child.on('error', error => {
        clearTimeout(timer)
        if ('code' in error && error.code === 'ENOENT')
          reject(
            new SkiffError('HOST_UNFIT', `${file}: no such program`, {
              cause: error,
              remedy: `install the Debian package that carries ${file}`,
            }),
          )
        else reject(options.signal?.aborted ? (options.signal.reason as Error) : error)
      })
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        if (timedOut) reject(new SkiffError('TIMEOUT', `${file} ${args.join(' ')}: no answer within ${timeoutMs} ms`))
        else
          resolve({
            exitCode: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15),
            stdout: Buffer.concat(out).toString(),
            stderr: Buffer.concat(err).toString(),
          })
      })
    }),
}
