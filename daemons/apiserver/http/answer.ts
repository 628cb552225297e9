import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** An answer as it is to be sent. */
export interface Answer {
  status: number
  headers: Record<string, string | string[]>
  body: Buffer | string
}

/** Texts as Warning headers carry them (RFC 7234, 5.5): code 299, no agent. */
export const warningHeaders = (texts: readonly string[]): string[] =>
  texts.map(text => `299 - ${JSON.stringify(text.replace(/[^\t -~\u0080-\u00ff]/g, '?'))}`)

const gzipAsync = promisify(gzip)
/** Replies from this size on are worth compressing: upstream's bound. */
const gzipFromBytes = 128 * 1024

/** The answer, compressed where it is large and the client takes it. */
export const compressed = async (answer: Answer, acceptEncoding: string): Promise<Answer> => {
  if (answer.body.length < gzipFromBytes || !acceptEncoding.includes('gzip')) return answer
  if (answer.headers['content-encoding'] !== undefined) return answer
  const body = await gzipAsync(answer.body, { level: 1 })
  return {
    ...answer,
    body,
    headers: { ...answer.headers, 'content-encoding': 'gzip', vary: 'Accept, Accept-Encoding' },
  }
}
