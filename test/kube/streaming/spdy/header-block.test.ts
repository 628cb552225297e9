import fc from 'fast-check'
import t from 'tap'
import { constants, createDeflate } from 'node:zlib'
import { spdyDictionary } from '../../../../kube/streaming/spdy/dictionary.ts'
import { HeaderDecoder, HeaderEncoder } from '../../../../kube/streaming/spdy/header-block.ts'

void t.test('the dictionary is the draft’s: 1423 bytes, known by its Adler-32', async t => {
  t.equal(spdyDictionary.length, 1423)
  const first = new HeaderEncoder().encode({ streamtype: ['error'] })
  t.equal(first.subarray(0, 6).toString('hex'), '78bbe3c6a7c2')
})

void t.test('blocks of one direction are read back in order, whatever is in them', async t => {
  const word = fc.string({ minLength: 1, maxLength: 30 }).map(s => s.replaceAll('\0', ''))
  const headers = fc.dictionary(
    word.map(s => `x${s.toLowerCase()}`),
    fc.array(word, { minLength: 1, maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(headers, { minLength: 1, maxLength: 20 }), blocks => {
      const encoder = new HeaderEncoder()
      const decoder = new HeaderDecoder()
      for (const block of blocks) {
        const decoded = decoder.decode(encoder.encode(block))
        t.strictSame({ ...decoded }, Object.fromEntries(Object.entries(block).map(([k, v]) => [k.toLowerCase(), v])))
      }
    }),
    { numRuns: 50 },
  )
})

void t.test('a peer with one zlib context for the whole connection is understood', async t => {
  const deflate = createDeflate({ dictionary: spdyDictionary })
  const decoder = new HeaderDecoder()
  const block = (plain: Buffer) =>
    new Promise<Buffer>(resolve => {
      const chunks: Buffer[] = []
      const gather = (chunk: Buffer) => chunks.push(chunk)
      deflate.on('data', gather)
      deflate.write(plain)
      deflate.flush(constants.Z_SYNC_FLUSH, () => {
        deflate.off('data', gather)
        resolve(Buffer.concat(chunks))
      })
    })
  const plain = (name: string, value: string) => {
    const sized = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)])
    return Buffer.concat([Buffer.from([0, 0, 0, 1]), sized(name), sized(value)])
  }
  for (const type of ['error', 'stdout', 'stdin', 'error', 'resize'])
    t.strictSame({ ...decoder.decode(await block(plain('Streamtype', type))) }, { streamtype: [type] })
})

void t.test('a block that is cut short or is no zlib stream is refused', async t => {
  const block = new HeaderEncoder().encode({ a: ['b'] })
  t.throws(() => new HeaderDecoder().decode(Buffer.from('hello')), { code: 'INVALID_INPUT' })
  t.throws(() => new HeaderDecoder().decode(block.subarray(0, 8)), { code: 'INVALID_INPUT' })
})
