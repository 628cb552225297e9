import { PassThrough } from 'node:stream'
import t from 'tap'
import { FrameSplitter, outputOf } from '../../../host/docker/framed-output.ts'

const frame = (stream: number, text: string): Buffer => {
  const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([head, Buffer.from(text)])
}
const bytes = Buffer.concat([frame(1, 'one '), frame(2, 'two '), frame(1, ''), frame(1, 'three')])

for (const step of [1, 3, 11, 1000])
  void t.test(`frames are split whatever the pieces: ${step} bytes`, async t => {
    const splitter = new FrameSplitter()
    const got = { stdout: '', stderr: '' }
    for (let at = 0; at < bytes.length; at += step)
      splitter.split(bytes.subarray(at, at + step), (stream, part) => (got[stream] += part.toString()))
    t.strictSame(got, { stdout: 'one three', stderr: 'two ' })
  })

void t.test('readers that come in one turn get the chunks of both in the order they were written', async t => {
  const source = new PassThrough()
  source.end(bytes)
  const { stdout, stderr, ended } = outputOf(source, false)
  // As after an await: the source has had time to flow.
  await new Promise(resolve => setImmediate(resolve))
  let text = ''
  for (const stream of [stdout, stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await ended
  await new Promise(resolve => setImmediate(resolve))
  t.equal(text, 'one two three')
})

void t.test('a terminal’s output has no frames', async t => {
  const source = new PassThrough()
  source.end(bytes)
  const { stdout, stderr } = outputOf(source, true)
  stderr.resume()
  const chunks: Buffer[] = []
  for await (const chunk of stdout) chunks.push(chunk as Buffer)
  t.strictSame(Buffer.concat(chunks), bytes)
})
