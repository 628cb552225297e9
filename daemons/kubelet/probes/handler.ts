import { isIPv6 } from 'node:net'
import type { ContainerPort, ExecAction, HTTPGetAction, TCPSocketAction } from 'kubernetes-types/core/v1.js'
import type { Clock } from '../../../kube/clock.ts'
import { SkiffError } from '../../../kube/errors.ts'

/** What a probe and a lifecycle hook have in common: exactly one of these is set. */
export interface Handler {
  exec?: ExecAction
  httpGet?: HTTPGetAction
  tcpSocket?: TCPSocketAction
  sleep?: { seconds: number }
  grpc?: { port: number; service?: string }
}

export type ExecInContainer = (
  containerId: string,
  command: readonly string[],
  timeoutMs: number,
) => Promise<{ exitCode: number; output: string }>

export interface HandlerContext {
  /** Where httpGet and tcpSocket go when they name no host of their own. */
  podIP: string
  containerId: string
  exec: ExecInContainer
  signal: AbortSignal
  timeoutMs: number
  /** The container's ports, for handlers that name theirs. */
  ports: readonly ContainerPort[]
  /** For `sleep`; the system's when left out. */
  clock?: Clock
}

export interface HandlerOutcome {
  result: 'success' | 'failure'
  /** What the program wrote, the HTTP status, or why there was none: goes into events as it is. */
  message: string
}

/** A port number from a number, a numeral or a port's name; throws INVALID_INPUT when no port has that name. */
export const resolvePort = (port: number | string, ports: readonly ContainerPort[]): number => {
  const number = typeof port === 'number' ? port : /^\d+$/.test(port) ? Number(port) : undefined
  const found = number ?? ports.find(p => p.name === port)?.containerPort
  if (found === undefined || found < 1 || found > 65535)
    throw new SkiffError('INVALID_INPUT', `couldn't find port: ${port}`)
  return found
}

/** `10.244.0.7:80`, `[fd00::7]:80` */
export const hostPort = (host: string, port: number): string => (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`)

/** The kernel's words for the usual failures, as people know them from `describe`. */
export const dialError = (error: Error): string => {
  const code = 'code' in error ? error.code : undefined
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'EHOSTUNREACH') return 'no route to host'
  if (code === 'ENETUNREACH') return 'network is unreachable'
  if (code === 'ECONNRESET') return 'connection reset by peer'
  return error.message
}
