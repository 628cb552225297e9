import type { IncomingMessage } from 'node:http'
import type { HTTPGetAction } from 'kubernetes-types/core/v1.js'
import { dialError, hostPort, resolvePort, type HandlerContext, type HandlerOutcome } from './handler.ts'

const MAX_REDIRECTS = 10
/** Enough of a body for an event; the rest is not read. */
const MAX_BODY_BYTES = 10 * 1024

const headersOf = (action: HTTPGetAction): Record<string, string> => {
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.34', Accept: '*/*', Connection: 'close' }
  for (const { name, value } of action.httpHeaders ?? []) {
    const known = Object.keys(headers).find(key => key.toLowerCase() === name.toLowerCase())
    // An empty value takes a default header away (an empty Accept or User-Agent is sent by nobody on purpose).
    if (known !== undefined) delete headers[known]
    if (value !== '' || known === undefined) headers[name] = value
  }
  return headers
}

const readBody = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= MAX_BODY_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_BODY_BYTES)
}

const getOnce = async (url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> => {
  const { get } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    // Certificates are not verified, as upstream's kubelet does not: a probe asks whether it answers, not who answers.
    get(url, { headers, signal, agent: false, rejectUnauthorized: false } as object, resolve).once('error', reject)
  })
}

/** The probe's URL. A path may carry a query; it is taken as it stands. */
const urlOf = (action: HTTPGetAction, context: HandlerContext): URL => {
  const port = resolvePort(action.port, context.ports)
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const path = action.path ?? '/'
  return new URL(
    `${scheme}://${hostPort(action.host || context.podIP, port)}${path.startsWith('/') ? path : `/${path}`}`,
  )
}

const follow = async (start: URL, action: HTTPGetAction, signal: AbortSignal): Promise<HandlerOutcome> => {
  let url = start
  for (let hop = 0; ; hop++) {
    const response = await getOnce(url, headersOf(action), signal)
    const status = response.statusCode ?? 0
    const location = response.headers.location
    if (status >= 300 && status < 400 && location !== undefined) {
      response.destroy()
      const next = new URL(location, url)
      // Another host is not this container's business: the answer itself counts as success.
      if (next.hostname !== start.hostname) return { result: 'success', message: 'Probe terminated redirects' }
      if (hop >= MAX_REDIRECTS)
        return { result: 'failure', message: `Get "${start.href}": stopped after ${MAX_REDIRECTS} redirects` }
      url = next
      continue
    }
    const body = await readBody(response)
    if (status >= 200 && status < 400) return { result: 'success', message: body }
    return { result: 'failure', message: `HTTP probe failed with statuscode: ${status}` }
  }
}

/** One HTTP probe; the timeout covers redirects and the body too. Throws INVALID_INPUT when its port's name is unknown. */
export const httpGet = async (action: HTTPGetAction, context: HandlerContext): Promise<HandlerOutcome> => {
  const url = urlOf(action, context)
  const timeout = AbortSignal.timeout(context.timeoutMs)
  try {
    return await follow(url, action, AbortSignal.any([timeout, context.signal]))
  } catch (error) {
    const why = timeout.aborted
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : `dial tcp ${url.host}: connect: ${error instanceof Error ? dialError(error) : String(error)}`
    return { result: 'failure', message: `Get "${url.href}": ${why}` }
  }
}
