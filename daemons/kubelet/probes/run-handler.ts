import { connect as connectTcp } from 'node:net'
import type { ExecAction } from 'kubernetes-types/core/v1.js'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { systemClock } from '../../../host/clock.ts'
import { dialError, hostPort, resolvePort, type Handler, type HandlerContext, type HandlerOutcome } from './handler.ts'
import { httpGet } from './http-get.ts'

export type { ExecInContainer, Handler, HandlerContext, HandlerOutcome } from './handler.ts'

const failure = (message: string): HandlerOutcome => ({ result: 'failure', message })
const success = (message = ''): HandlerOutcome => ({ result: 'success', message })

const runExec = async (action: ExecAction, context: HandlerContext): Promise<HandlerOutcome> => {
  const { exitCode, output } = await context.exec(context.containerId, action.command ?? [], context.timeoutMs)
  return exitCode === 0 ? success(output) : failure(output === '' ? `command exited with code ${exitCode}` : output)
}

const openTcp = (host: string, port: number, context: HandlerContext): Promise<HandlerOutcome> =>
  new Promise(resolve => {
    const socket = connectTcp({ host, port })
    const finish = (outcome: HandlerOutcome) => {
      clearTimeout(timer)
      context.signal.removeEventListener('abort', abort)
      socket.destroy()
      resolve(outcome)
    }
    const abort = () => finish(failure('the probe was stopped'))
    const timer = setTimeout(() => finish(failure(`dial tcp ${hostPort(host, port)}: i/o timeout`)), context.timeoutMs)
    context.signal.addEventListener('abort', abort, { once: true })
    socket.once('connect', () => finish(success()))
    socket.once('error', error => finish(failure(`dial tcp ${hostPort(host, port)}: connect: ${dialError(error)}`)))
  })

const dispatch = async (handler: Handler, context: HandlerContext): Promise<HandlerOutcome> => {
  if (handler.exec !== undefined) return runExec(handler.exec, context)
  if (handler.httpGet !== undefined) return httpGet(handler.httpGet, context)
  if (handler.tcpSocket !== undefined) {
    const port = resolvePort(handler.tcpSocket.port, context.ports)
    return openTcp(handler.tcpSocket.host || context.podIP, port, context)
  }
  if (handler.sleep !== undefined) {
    await (context.clock ?? systemClock).sleep(handler.sleep.seconds * 1000, context.signal)
    return success()
  }
  if (handler.grpc !== undefined)
    return failure('NOT_IMPLEMENTED: gRPC probes are not built; use httpGet, tcpSocket or exec')
  return failure('missing probe handler: one of exec, httpGet, tcpSocket, sleep')
}

/**
 * Runs one probe or lifecycle hook once. Never throws: whatever goes wrong is a failure with its message.
 * An HTTP status from 200 to 399 and exit code 0 are successes.
 */
export const runHandler = async (handler: Handler, context: HandlerContext): Promise<HandlerOutcome> => {
  try {
    return await dispatch(handler, context)
  } catch (error) {
    if (error instanceof SkiffError && error.code === 'TIMEOUT')
      return failure(`command timed out after ${context.timeoutMs / 1000}s`)
    return failure(messageOf(error))
  }
}
