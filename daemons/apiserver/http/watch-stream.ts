import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Writable } from 'node:stream'
import { hasReason } from '../../../kube/status.ts'
import type { ObjectTarget, Registry } from '../registry/registry.ts'
import { watchObjects, type OpenWatch, type WatchRequest } from '../registry/watch-objects.ts'
import type { WatchLines } from '../rest/watch-lines.ts'
import { noCache, warningHeaders } from './answer.ts'

/** A reader this far behind is cut off: it comes back with its last version and costs no memory meanwhile. */
const maxBehindBytes = 16 * 1024 * 1024

export interface WatchStreamOptions {
  target: ObjectTarget
  request: WatchRequest
  /** In the form the client asked for. */
  lines: WatchLines
  contentType: string
  auditId: string
  /** More of them. */
  headers: Readonly<Record<string, string>>
  timeoutMs: number
  /** Texts for Warning headers. */
  warnings: readonly string[]
  onEvent(): void
}

type RawReply = ServerResponse | { stream: ServerHttp2Stream }

/** Sends the head and gives the stream of the body; HTTP/2's own stream costs half of its compatibility layer. */
const openBody = (raw: RawReply, { contentType, auditId, headers: more, warnings }: WatchStreamOptions): Writable => {
  const headers = {
    ...more,
    'content-type': contentType,
    'cache-control': noCache,
    'audit-id': auditId,
    ...(warnings.length > 0 ? { warning: warningHeaders(warnings).join(', ') } : {}),
  }
  if ('stream' in raw) {
    raw.stream.respond({ ':status': 200, ...headers })
    return raw.stream
  }
  raw.writeHead(200, headers)
  raw.flushHeaders()
  return raw
}

const connectionOf = (raw: RawReply): Writable => ('stream' in raw ? raw.stream : raw)

/**
 * Serves one watch until its time is up, its client is gone or `end` is called. Throws (ApiError) before anything is
 * sent where the request is wrong; a version that is compacted is told in the stream, as upstream does.
 */
export const streamWatch = (
  registry: Registry,
  raw: RawReply,
  options: WatchStreamOptions,
): { done: Promise<void>; end(): void } => {
  const { target, request, lines, timeoutMs, onEvent } = options
  const early: Buffer[] = []
  let body: Writable | undefined
  const send = (line: Buffer): void => {
    if (body === undefined) early.push(line)
    else if (body.writableLength > maxBehindBytes) body.destroy()
    else if (!body.destroyed && !body.writableEnded) body.write(line)
  }
  const end = (): void => {
    watch?.drain()
    body?.end()
  }
  let open: OpenWatch | undefined
  try {
    open = watchObjects(registry, target, {
      ...request,
      sink: {
        event: (type, entry) => {
          onEvent()
          send(lines.event(type, entry))
        },
        bookmark: (version, initialEventsEnd) => send(lines.bookmark(version, initialEventsEnd)),
        end: () => body?.end(),
      },
    })
  } catch (error) {
    if (!hasReason(error, 'Expired')) throw error
    early.push(lines.error(error.status))
  }
  const watch = open
  const done = new Promise<void>(resolve => {
    const closed = (): void => {
      clearTimeout(timer)
      watch?.close()
      resolve()
    }
    const timer = setTimeout(() => {
      watch?.bookmark()
      end()
    }, timeoutMs)
    timer.unref()
    connectionOf(raw).once('close', closed)
    connectionOf(raw).once('error', closed)
  })
  body = openBody(raw, options)
  if (early.length > 0) body.write(Buffer.concat(early))
  if (watch === undefined) body.end()
  return { done, end }
}
