import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOk, systemExec } from '../../host/exec.ts'
import type { ServerUnderTest } from './server-under-test.ts'

export interface Load {
  path: string
  requests: number
  /** Connections, each with one request under way at a time. */
  clients: number
  /** Makes every request a POST of this. */
  body?: object
  accept?: string
}

export interface LoadResult {
  perSecond: number
  /** Mean time of one request, ms. */
  meanMs: number
}

const unit: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }

/** `1.25ms` in milliseconds. */
const milliseconds = (text: string): number => {
  const [, number, name = ''] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? []
  return Number(number) * (unit[name] ?? NaN)
}

/** One run of h2load (Debian's nghttp2-client). Throws when a request did not succeed. */
export const runLoad = async (server: ServerUnderTest, load: Load): Promise<LoadResult> => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-load-'))
  const body = join(directory, 'body.json')
  if (load.body !== undefined) writeFileSync(body, JSON.stringify(load.body))
  try {
    const stdout = await runOk(systemExec, 'h2load', [
      '-n',
      String(load.requests),
      '-c',
      String(Math.min(load.clients, load.requests)),
      '-m',
      '1',
      '-H',
      server.authorization,
      '-H',
      `accept: ${load.accept ?? 'application/json'}`,
      ...(load.body === undefined ? [] : ['-d', body, '-H', 'content-type: application/json']),
      server.url + load.path,
    ])
    const succeeded = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1] ?? 0)
    if (succeeded !== load.requests)
      throw new Error(`${load.path}: ${succeeded} of ${load.requests} succeeded\n${stdout}`)
    const perSecond = Number(/([\d.]+) req\/s/.exec(stdout)?.[1])
    const [, mean = ''] = /time for request:\s+\S+\s+\S+\s+(\S+)/.exec(stdout) ?? []
    return { perSecond, meanMs: milliseconds(mean) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** The name of one object of a collection. */
export const firstName = (server: ServerUnderTest, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const session = server.session()
    const stream = session.request({ ':path': `${path}?limit=1`, authorization: 'Bearer bench-token' })
    let text = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => (text += chunk))
    stream.once('error', reject)
    stream.once('end', () => {
      session.destroy()
      const list = JSON.parse(text) as { items: { metadata: { name: string } }[] }
      resolve(list.items[0]?.metadata.name ?? '')
    })
  })
