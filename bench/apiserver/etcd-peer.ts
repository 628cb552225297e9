import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { median } from '../median.ts'
import { ended, freePort, residentMib } from './server-under-test.ts'

/** What etcd does of its own, on the same disk and cores: Skiff's figures have the whole API on top of theirs. */
export interface EtcdFigures {
  /** Puts of 2 KB a second, by clients at once. */
  puts: ReadonlyMap<number, number>
  gets: number
  /** A range of 2,000 keys of 2 KB, ms. */
  rangeMs: number
  atRestMib: number
  afterLoadMib: number
}

const valueBytes = 2048

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}

const field = (number: number, content: Buffer): Buffer =>
  Buffer.concat([varint(number * 8 + 2), varint(content.length), content])

/** etcdserverpb.KV's requests by their field numbers: key 1, value 2; key 1, range_end 2. */
const putRequest = (key: string): Buffer =>
  Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.alloc(valueBytes, 120))])
const rangeRequest = (key: string, end?: string): Buffer =>
  Buffer.concat([field(1, Buffer.from(key)), ...(end === undefined ? [] : [field(2, Buffer.from(end))])])

const caller =
  (client: Client) =>
  (method: 'Put' | 'Range', request: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        `/etcdserverpb.KV/${method}`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error)),
      )
    })

/** How many a second, by so many callers that each wait for their answer. */
const rate = async (clients: number, requests: number, work: (n: number) => Promise<unknown>): Promise<number> => {
  let next = 0
  const started = performance.now()
  const one = async (): Promise<void> => {
    while (next < requests) await work(next++)
  }
  await Promise.all(Array.from({ length: clients }, one))
  return requests / ((performance.now() - started) / 1000)
}

/** Debian's etcd (package etcd-server), one member, measured as the API server is. */
export const measureEtcd = async (clientCounts: readonly number[]): Promise<EtcdFigures> => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-bench-etcd-'))
  const [port, peerPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const peer = `http://127.0.0.1:${peerPort}`
  const flags = [
    '--data-dir',
    directory,
    '--listen-client-urls',
    url,
    '--advertise-client-urls',
    url,
    '--listen-peer-urls',
    peer,
    '--initial-advertise-peer-urls',
    peer,
    '--initial-cluster',
    `default=${peer}`,
    '--log-level',
    'error',
  ]
  const child = spawn('etcd', flags, { stdio: 'ignore' })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
  })
  try {
    await new Promise<void>((resolve, reject) =>
      client.waitForReady(Date.now() + 15_000, error => (error ? reject(error) : resolve())),
    )
    const call = caller(client)
    await call('Put', putRequest('/warm'))
    const atRestMib = residentMib(child.pid ?? 0)
    const puts = new Map<number, number>()
    for (const clients of clientCounts)
      puts.set(clients, await rate(clients, 1000 + clients * 60, n => call('Put', putRequest(`/load/${clients}/${n}`))))
    const gets = await rate(64, 10_000, () => call('Range', rangeRequest('/warm')))
    await rate(64, 2000, n => call('Put', putRequest(`/list/${String(n).padStart(5, '0')}`)))
    const ranges: number[] = []
    for (let n = 0; n < 10; n++) {
      const started = performance.now()
      await call('Range', rangeRequest('/list/', '/list0'))
      ranges.push(performance.now() - started)
    }
    return { puts, gets, rangeMs: median(ranges), atRestMib, afterLoadMib: residentMib(child.pid ?? 0) }
  } finally {
    client.close()
    child.kill('SIGTERM')
    await ended(child)
    rmSync(directory, { recursive: true })
  }
}
