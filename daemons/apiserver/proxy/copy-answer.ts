import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Readable } from 'node:stream'

export type FullReply = ServerResponse | Http2ServerResponse

/** The two kinds of reply declare `write` apart. */
const writeTo = (to: FullReply, chunk: Buffer): boolean => ('stream' in to ? to.write(chunk) : to.write(chunk))

/**
 * Copies a body as it comes, at the pace of its reader. Ends when the source ends or the client leaves; a source that
 * breaks breaks the reply, so that it does not look whole.
 */
export const copyAnswer = (from: Readable, to: FullReply): Promise<void> =>
  new Promise(resolve => {
    to.once('close', () => {
      from.destroy()
      resolve()
    })
    to.on('drain', () => from.resume())
    from.on('data', (chunk: Buffer) => {
      if (!writeTo(to, chunk)) from.pause()
    })
    from.once('end', () => {
      to.end()
      resolve()
    })
    from.once('error', () => {
      to.destroy()
      resolve()
    })
  })
