import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { UnknownObject } from '../../../kube/object.ts'
import type { UserInfo } from '../auth/user-info.ts'

export interface StreamTarget {
  user: UserInfo
  /** The pod, as stored. */
  object: UnknownObject
  /** The node the pod runs on, as stored; undefined while it is not scheduled. */
  node: UnknownObject | undefined
  query: URLSearchParams
}

/**
 * A subresource that is bytes rather than an object: log, exec, attach, portforward. The API server has already
 * authenticated and authorized the caller and found the pod. Throwing an ApiError before anything is written makes
 * the server answer it.
 */
export interface StreamingSubresource {
  readonly name: string
  /** Methods it answers: ['GET'] for log, ['GET', 'POST'] for exec. */
  readonly methods: readonly string[]
  /** A plain request (HTTP/1.1 or HTTP/2). */
  serve?(
    target: StreamTarget,
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): Promise<void>
  /** A request with `Connection: Upgrade` (SPDY/3.1 or WebSocket); the socket is the caller's raw connection. */
  upgrade?(target: StreamTarget, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
}
