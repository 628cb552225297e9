import type { ClientHttp2Session } from 'node:http2'
import type { ServerUnderTest } from './server-under-test.ts'

export interface WatchLatency {
  p50Ms: number
  p99Ms: number
}

const watcherCount = 1000
const connectionCount = 10
const warmUps = 10
const updates = 60

const token = { authorization: 'Bearer bench-token' }

const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN

const write = (session: ClientHttp2Session, method: string, path: string, body: object): Promise<void> =>
  new Promise((resolve, reject) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const stream = session.request({ ':method': method, ':path': path, 'content-type': type, ...token })
    stream.once('response', headers =>
      Number(headers[':status']) < 300 ? undefined : reject(new Error(`${method} ${path}: ${headers[':status']}`)),
    )
    stream.once('end', resolve)
    stream.resume()
    stream.end(JSON.stringify(body))
  })

/** One update of one object until each of 1,000 watches (on ten connections) has its line, over 60 updates. */
export const watchLatency = async (server: ServerUnderTest): Promise<WatchLatency> => {
  const sessions = Array.from({ length: connectionCount }, () => server.session())
  const writer = server.session()
  const path = '/api/v1/namespaces/default/configmaps'
  await write(writer, 'POST', path, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'watched' },
    data: { value: 'x'.repeat(1500) },
  })
  const latencies: number[] = []
  let started = 0
  let missing = watcherCount
  let all = () => {}
  const opened = new Promise<void>(resolve => (all = resolve))
  for (let n = 0; n < watcherCount; n++) {
    const stream = sessions[n % connectionCount]?.request({
      ':path': `${path}?watch=1&fieldSelector=metadata.name%3Dwatched`,
      ...token,
    })
    // Lines come whole in this test: one update is under way at a time.
    stream?.on('data', (chunk: Buffer) => {
      if (chunk.at(-1) !== 0x0a) return
      if (started > 0) latencies.push(performance.now() - started)
      missing--
      if (missing === 0) all()
    })
  }
  await opened
  for (let n = 0; n < warmUps + updates; n++) {
    if (n === warmUps) latencies.length = 0
    missing = watcherCount
    const seen = new Promise<void>(resolve => (all = resolve))
    started = performance.now()
    await write(writer, 'PATCH', `${path}/watched`, { data: { n: String(n) } })
    await seen
  }
  for (const session of [...sessions, writer]) session.destroy()
  const sorted = latencies.toSorted((a, b) => a - b)
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
}
