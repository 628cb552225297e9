import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { ListPieces } from '../rest/list-pieces.ts'

/** An answer as it is to be sent. */
export interface Answer {
  status: number
  headers: Record<string, string | string[]>
  body: Buffer | string | ListPieces
}

/** The body in one. */
export const wholeBody = ({ body }: Answer): Buffer | string => (body instanceof ListPieces ? body.whole() : body)

/** Bytes of the body as it is. */
export const bodyLength = ({ body }: Answer): number =>
  body instanceof ListPieces ? body.length : Buffer.byteLength(body)

/** Of everything that says nothing else: answers are of one user, at one moment. */
export const noCache = 'no-cache, private'

/** Characters of all warnings together; past that each is cut to `cutWarning`, so that headers stay bearable. */
const maxWarnings = 4096
const cutWarning = 256

/** `299 - "text"` (RFC 7234, 5.5). Go writes UTF-8 into headers, where Node takes the bytes one by one. */
const warningHeader = (text: string): string =>
  Buffer.from(`299 - "${text.replace(/["\\]/g, '\\$&')}"`).toString('latin1')

/** Texts as Warning headers carry them: without an agent, each once, and none with control characters in it. */
export const warningHeaders = (texts: readonly string[]): string[] => {
  const whole = [...new Set(texts)].filter(text => text !== '').map(text => Array.from(text))
  const isLong = whole.reduce((sum, { length }) => sum + length, 0) > maxWarnings
  const headers: string[] = []
  let written = 0
  for (const characters of whole) {
    if (isLong && written >= maxWarnings) break
    const text = (isLong ? characters.slice(0, cutWarning) : characters).join('')
    if (/\p{Cc}/u.test(text)) continue
    headers.push(warningHeader(text))
    written += isLong ? Math.min(characters.length, cutWarning) : characters.length
  }
  return headers
}

const gzipAsync = promisify(gzip)
/** Replies past this size are worth compressing: upstream's bound. */
const gzipFromBytes = 128 * 1024

/** The answer, compressed where it is large and the client takes it. */
export const compressed = async (answer: Answer, acceptEncoding: string): Promise<Answer> => {
  if (answer.body.length <= gzipFromBytes) return answer
  if (!acceptEncoding.split(',').some(coding => coding.trim() === 'gzip')) return answer
  if (answer.headers['content-encoding'] !== undefined) return answer
  const body = await gzipAsync(wholeBody(answer), { level: 1 })
  const { vary } = answer.headers
  const varies = vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`
  return { ...answer, body, headers: { ...answer.headers, 'content-encoding': 'gzip', vary: varies } }
}
