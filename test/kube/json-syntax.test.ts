import fc from 'fast-check'
import t from 'tap'
import { jsonSyntaxError } from '../../kube/json-syntax.ts'

const cases: { text: string; wrong: string | undefined }[] = [
  { text: '', wrong: 'unexpected end of JSON input' },
  { text: '{', wrong: 'unexpected end of JSON input' },
  { text: '{"a":', wrong: 'unexpected end of JSON input' },
  { text: '"a', wrong: 'unexpected end of JSON input' },
  { text: 'x', wrong: "invalid character 'x' looking for beginning of value" },
  { text: '{a', wrong: "invalid character 'a' looking for beginning of object key string" },
  { text: '{"a":1,}', wrong: "invalid character '}' looking for beginning of object key string" },
  { text: '[1,]', wrong: "invalid character ']' looking for beginning of value" },
  { text: '{"a"1', wrong: "invalid character '1' after object key" },
  { text: '{"a":1 2', wrong: "invalid character '2' after object key:value pair" },
  { text: '[1 2]', wrong: "invalid character '2' after array element" },
  { text: '{} x', wrong: "invalid character 'x' after top-level value" },
  { text: "{'a':1}", wrong: String.raw`invalid character '\'' looking for beginning of object key string` },
  { text: '[""""]', wrong: `invalid character '"' after array element` },
  { text: '"a\nb"', wrong: String.raw`invalid character '\n' in string literal` },
  { text: String.raw`"\x"`, wrong: "invalid character 'x' in string escape code" },
  { text: String.raw`"\u12g4"`, wrong: String.raw`invalid character 'g' in \u hexadecimal character escape` },
  { text: '-x', wrong: "invalid character 'x' in numeric literal" },
  { text: '-.1', wrong: "invalid character '.' in numeric literal" },
  { text: '1.x', wrong: "invalid character 'x' after decimal point in numeric literal" },
  { text: '1e+x', wrong: "invalid character 'x' in exponent of numeric literal" },
  { text: '01', wrong: "invalid character '1' after top-level value" },
  { text: 'trux', wrong: "invalid character 'x' in literal true (expecting 'e')" },
  { text: 'nul', wrong: 'unexpected end of JSON input' },
  { text: '[\u0001]', wrong: String.raw`invalid character '\x01' looking for beginning of value` },
  { text: '[é]', wrong: "invalid character 'Ã' looking for beginning of value" },
  { text: `${'['.repeat(100_000)}`, wrong: 'unexpected end of JSON input' },
  { text: ' {"a":[1,2.5e-3,true,null,"\\u00e9"]} ', wrong: undefined },
]
for (const { text, wrong } of cases)
  t.test(
    `${text.slice(0, 30) || 'nothing'} is ${wrong === undefined ? 'fine' : 'refused in the words of Go'}`,
    async t => {
      t.equal(jsonSyntaxError(Buffer.from(text)), wrong)
    },
  )

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

t.test('it refuses what JSON.parse refuses, and nothing else', async () => {
  const pieces = fc.constantFrom('{', '}', '[', ']', ':', ',', '"a"', '"', '1', '-', '.', 'e', 'true', 'nul', 'null', ' ', '\\', 'u00', '\n') // prettier-ignore
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), parts => {
      const text = parts.join('')
      return (jsonSyntaxError(Buffer.from(text)) === undefined) === parses(text)
    }),
    { numRuns: 3000 },
  )
})
