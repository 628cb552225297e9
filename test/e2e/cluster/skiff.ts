import { spawn } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** dist/test/e2e/cluster -> the checkout */
export const checkout = join(dirname(fileURLToPath(import.meta.url)), '../../../..')

export interface Said {
  code: number
  out: string
  err: string
}

/** Runs a program to its end; kills it after the time given. */
export const run = (
  file: string,
  args: readonly string[],
  options: { input?: string; timeoutMs?: number; env?: Record<string, string> } = {},
): Promise<Said> =>
  new Promise(resolve => {
    const env: NodeJS.ProcessEnv = { ...process.env, ...options.env }
    delete env['NODE_EXTRA_CA_CERTS']
    const child = spawn(file, args, { cwd: checkout, env, stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000)
    child.on('error', error => resolve({ code: 127, out, err: `${err}${error.message}` }))
    child.on('close', code => {
      clearTimeout(timer)
      resolve({ code: code ?? 137, out, err })
    })
  })

export const skiff = (args: readonly string[], timeoutMs = 180_000): Promise<Said> =>
  run(join(checkout, 'skiff'), args, { timeoutMs })

export const kubeconfig = '/var/lib/skiff/kubeconfigs/admin.kubeconfig'

/** The kubectl on PATH, or the one named, with the cluster's admin kubeconfig. */
export const kubectl = (
  args: readonly string[],
  options: { input?: string; timeoutMs?: number; program?: string; env?: Record<string, string> } = {},
): Promise<Said> =>
  run(options.program ?? 'kubectl', args, { ...options, env: { KUBECONFIG: kubeconfig, ...options.env } })

/** Runs and insists on exit code 0; throws what was said otherwise. */
export const ok = async (said: Promise<Said>): Promise<string> => {
  const { code, out, err } = await said
  if (code !== 0) throw new Error(`exit code ${code}\n${out}\n${err}`)
  return out
}

/** Every kubectl on this machine: the one on PATH and those that stand beside the real binary it leads to. */
export const kubectls = (): string[] => {
  const found = (process.env['PATH'] ?? '')
    .split(':')
    .map(directory => join(directory, 'kubectl'))
    .find(path => existsSync(path))
  if (found === undefined) return []
  const directory = dirname(realpathSync(found))
  return [
    found,
    ...readdirSync(directory)
      .filter(name => /^kubectl\.1\.\d+$/.test(name))
      .map(name => join(directory, name))
      .sort(),
  ]
}

/** Asks again until the answer satisfies; throws the last answer after the time given. */
export const eventually = async <T>(
  ask: () => Promise<T>,
  satisfies: (answer: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> => {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (satisfies(answer)) return answer
    if (Date.now() > deadline) throw new Error(`still not after ${timeoutMs} ms: ${JSON.stringify(answer)}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** Names of the Running, Ready pods with this label. */
export const readyPods = async (selector: string): Promise<string[]> => {
  const list = JSON.parse(await ok(kubectl(['get', 'pods', '-l', selector, '-o', 'json']))) as {
    items: {
      metadata: { name: string; deletionTimestamp?: string }
      status?: { conditions?: { type: string; status: string }[] }
    }[]
  }
  return list.items
    .filter(
      pod =>
        pod.metadata.deletionTimestamp === undefined &&
        pod.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True') === true,
    )
    .map(pod => pod.metadata.name)
}
