import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port that was free a moment ago. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

interface Member {
  name: string
  client: string
  peer: string
  process: ChildProcess | undefined
}

/** Debian's etcd on loopback ports, with its data in a directory that goes away with it. */
export const startEtcd = async (count: number, flags: readonly string[] = []) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-etcd-'))
  const members: Member[] = []
  for (let n = 0; n < count; n++)
    members.push({
      name: `m${n}`,
      client: `http://127.0.0.1:${await freePort()}`,
      peer: `http://127.0.0.1:${await freePort()}`,
      process: undefined,
    })
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',')
  const start = (n: number): void => {
    const member = members[n]
    if (member === undefined) return
    const { name, client, peer } = member
    const own = ['--name', name, '--data-dir', join(directory, name), '--log-level', 'error', '--logger', 'zap']
    const urls = ['--listen-client-urls', client, '--advertise-client-urls', client]
    const peers = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster]
    const times = ['--heartbeat-interval', '100', '--election-timeout', '1000']
    member.process = spawn('etcd', [...own, ...urls, ...peers, ...times, ...flags], { stdio: 'ignore' })
  }
  const kill = async (n: number): Promise<void> => {
    const child = members[n]?.process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const healthy = async (n: number): Promise<boolean> => {
    try {
      const answer = await fetch(`${members[n]?.client}/health`, { signal: AbortSignal.timeout(2000) })
      return ((await answer.json()) as { health?: string }).health === 'true'
    } catch {
      return false
    }
  }
  const waitHealthy = async (n: number): Promise<void> => {
    for (let tries = 0; !(await healthy(n)); tries++) {
      if (tries > 300) throw new Error(`etcd member ${n} does not become healthy`)
      await sleep(100)
    }
  }
  /** The member that leads, by its own metrics. */
  const leader = async (): Promise<number> => {
    for (const [n, { client }] of members.entries()) {
      const text = await fetch(`${client}/metrics`).then(
        answer => answer.text(),
        () => '',
      )
      if (/^etcd_server_is_leader 1$/m.test(text)) return n
    }
    return -1
  }
  for (let n = 0; n < count; n++) start(n)
  for (let n = 0; n < count; n++) await waitHealthy(n)
  return {
    servers: members.map(({ client }) => client),
    directory,
    start,
    kill,
    leader,
    waitHealthy,
    stop: async () => {
      for (let n = 0; n < count; n++) await kill(n)
      rmSync(directory, { recursive: true })
    },
  }
}
