import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { ContainerStreams } from '../../../host/container-engine.ts'
import { apiError } from '../../../kube/status.ts'
import { SkiffError } from '../../../kube/errors.ts'
import type { LogQuery } from './log-query.ts'

/**
 * Copies both streams of a container into one reply, in the order they come, at most `limitBytes`. Reads only as fast
 * as the client takes it.
 */
export const copyLogs = (
  from: { stdout: Readable; stderr: Readable },
  to: ServerResponse,
  limitBytes: number | undefined,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const sources = [from.stdout, from.stderr]
    let open = sources.length
    let left = limitBytes ?? Infinity
    const finish = () => {
      for (const source of sources) source.destroy()
      resolve()
    }
    const resume = () => {
      for (const source of sources) source.resume()
    }
    to.on('drain', resume)
    to.once('close', finish)
    for (const source of sources) {
      source.on('data', (chunk: Buffer) => {
        const part = chunk.length > left ? chunk.subarray(0, left) : chunk
        left -= part.length
        if (!to.write(part)) for (const each of sources) each.pause()
        if (left === 0) finish()
      })
      source.once('error', reject)
      source.once('end', () => {
        if (--open === 0) finish()
      })
    }
  })

export interface LogTarget {
  streams: ContainerStreams
  response: ServerResponse
  /** Takes the response over from the framework, once it is sure that there are logs to write. */
  take(): ServerResponse
  signal: AbortSignal
}

/** Answers a log request. Throws ApiError while nothing has been written yet. */
export const serveLogs = async (id: string, query: LogQuery, target: LogTarget): Promise<void> => {
  const gone = new AbortController()
  target.response.once('close', () => gone.abort(new SkiffError('UNAVAILABLE', 'the client closed the connection')))
  const logs = await target.streams
    .logs(id, {
      follow: query.follow,
      stdout: true,
      stderr: true,
      timestamps: query.timestamps,
      ...(query.tailLines === undefined ? {} : { tailLines: query.tailLines }),
      ...(query.sinceMs === undefined ? {} : { sinceMs: query.sinceMs }),
      signal: AbortSignal.any([gone.signal, target.signal]),
    })
    .catch((error: unknown) => {
      if (error instanceof SkiffError && error.code === 'NOT_FOUND')
        throw apiError('NotFound', `unable to retrieve container logs for ${id}`)
      throw error
    })
  const response = target.take()
  response.writeHead(200, { 'Content-Type': 'text/plain' })
  response.flushHeaders()
  try {
    await copyLogs(logs, response, query.limitBytes)
    response.end()
  } catch {
    // Half a log must not look like a whole one.
    response.destroy()
  }
}
