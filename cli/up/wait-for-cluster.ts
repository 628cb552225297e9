import { createSocket } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import { get as httpsGet } from 'node:https'
import type { Node } from 'kubernetes-types/core/v1.js'
import { systemClock } from '../../host/clock.ts'
import { SkiffError } from '../../kube/errors.ts'
import { pkiPath } from '../../provision/certificates/pki-path.ts'
import type { ClusterConfig } from '../cluster-config.ts'
import { engineAnswers } from '../engine.ts'
import { isAlive, type ProcessId } from '../processes.ts'
import type { Step } from './progress.ts'

const limitMs = 90_000
const pollMs = 25

/** Polls until `done` says undefined; what it says otherwise is the reason when the time is over. */
const waitUntil = async (
  done: () => Promise<string | undefined>,
  { signal, supervisor }: { signal: AbortSignal; supervisor: ProcessId },
): Promise<void> => {
  const deadline = systemClock.now() + limitMs
  for (;;) {
    const reason = await done()
    if (reason === undefined) return
    if (!isAlive(supervisor)) throw new SkiffError('UNAVAILABLE', `the supervisor ended while waiting: ${reason}`)
    if (systemClock.now() > deadline) throw new SkiffError('TIMEOUT', `after ${limitMs / 1000} s: ${reason}`)
    await systemClock.sleep(pollMs, signal)
  }
}

/** GET with the admin's certificate; undefined while the server does not answer. */
const apiGet = (dataDir: string, path: string): Promise<{ status: number; body: string } | undefined> =>
  new Promise(resolve => {
    if (!existsSync(pkiPath(dataDir, 'admin', 'crt'))) return resolve(undefined)
    const call = httpsGet(
      {
        host: '127.0.0.1',
        port: 6443,
        path,
        ca: readFileSync(pkiPath(dataDir, 'ca', 'crt')),
        cert: readFileSync(pkiPath(dataDir, 'admin', 'crt')),
        key: readFileSync(pkiPath(dataDir, 'admin', 'key')),
        timeout: 5000,
        agent: false,
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
      },
    )
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
  })

/** The reason why a node is not Ready yet; undefined when it is, and its last heartbeat is of this start. */
export const nodeNotReady = (body: string, sinceMs: number): string | undefined => {
  const node = JSON.parse(body) as Node
  const ready = node.status?.conditions?.find(condition => condition.type === 'Ready')
  if (ready === undefined) return 'the node has not reported yet'
  if (Date.parse(ready.lastHeartbeatTime ?? '') < sinceMs - 1000) return 'the node has not reported since this start'
  return ready.status === 'True' ? undefined : `the node is not Ready: ${ready.message ?? ready.reason ?? ''}`
}

/** A DNS question for A records, as it goes over the wire (RFC 1035, section 4.1). */
const dnsQuestion = (name: string): Buffer => {
  const header = Buffer.from([0x5b, 0x1f, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  const labels = name.split('.').flatMap(label => [label.length, ...Buffer.from(label)])
  return Buffer.concat([header, Buffer.from([...labels, 0, 0, 1, 0, 1])])
}

/** True when the server answers NOERROR with at least one record within 300 ms. */
const dnsAnswers = (server: string, name: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = createSocket('udp4')
    const finish = (answer: boolean) => {
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(() => finish(false), 300)
    socket.once('error', () => finish(false))
    socket.once('message', message => finish(((message[3] ?? 15) & 15) === 0 && message.readUInt16BE(6) > 0))
    socket.send(dnsQuestion(name), 53, server)
  })

/** Waits, step by step, until the node is Ready (by a report that is no older than `sinceMs`) and DNS answers. */
export const waitForCluster = async (
  dataDir: string,
  config: ClusterConfig,
  how: { step: Step; signal: AbortSignal; sinceMs: number; supervisor: ProcessId },
): Promise<void> => {
  const { step, sinceMs } = how
  await step('Docker Engine answers', () =>
    waitUntil(async () => ((await engineAnswers()) ? undefined : 'no Docker Engine answers'), how),
  )
  await step('API server ready', () =>
    waitUntil(async () => {
      const reply = await apiGet(dataDir, '/readyz')
      return reply?.status === 200 ? undefined : reply === undefined ? 'nothing answers on 127.0.0.1:6443' : reply.body
    }, how),
  )
  await step(`node ${config.nodeName} Ready`, () =>
    waitUntil(async () => {
      const reply = await apiGet(dataDir, `/api/v1/nodes/${config.nodeName}`)
      return reply?.status === 200 ? nodeNotReady(reply.body, sinceMs) : 'the node has not registered'
    }, how),
  )
  await step(`DNS answers on ${config.dnsIp}`, () =>
    waitUntil(
      async () =>
        (await dnsAnswers(config.dnsIp, `kubernetes.default.svc.${config.clusterDomain}`))
          ? undefined
          : `DNS at ${config.dnsIp} does not answer`,
      how,
    ),
  )
}
