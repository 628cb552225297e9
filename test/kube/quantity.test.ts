import fc from 'fast-check'
import t from 'tap'
import { formatQuantity, parseQuantity, quantityToBytes, quantityToMilli } from '../../kube/quantity.ts'

for (const { text, canonical, milli } of [
  { text: '100m', canonical: '100m', milli: 100 },
  { text: '0.1', canonical: '100m', milli: 100 },
  { text: '1', canonical: '1', milli: 1000 },
  { text: '1000', canonical: '1k', milli: 1_000_000 },
  { text: '1.5Gi', canonical: '1536Mi', milli: 1_610_612_736_000 },
  { text: '1024Ki', canonical: '1Mi', milli: 1_048_576_000 },
  { text: '0.5Ki', canonical: '512', milli: 512_000 },
  { text: '2e3', canonical: '2e3', milli: 2_000_000 },
  { text: '1u', canonical: '1u', milli: 1 },
  { text: '0', canonical: '0', milli: 0 },
  { text: '-5', canonical: '-5', milli: -5000 },
  { text: '.5', canonical: '500m', milli: 500 },
  { text: '1E', canonical: '1E', milli: 1e21 },
])
  t.test(`${text} is written ${canonical} and is ${milli} thousandths`, async t => {
    t.equal(formatQuantity(parseQuantity(text)), canonical)
    t.equal(quantityToMilli(text), milli)
  })

for (const text of ['', 'x', '1.5.2', '1 Gi', '10g', '--1', '.', 'Ki', '1e', '0x10'])
  t.test(`${JSON.stringify(text)} is not a quantity`, async t => {
    t.throws(() => parseQuantity(text), { code: 'INVALID_INPUT' })
  })

t.test('bytes are rounded up', async t => {
  t.equal(quantityToBytes('1500m'), 2)
  t.equal(quantityToBytes('64Mi'), 67_108_864)
})

t.test('the canonical text stands for the same amount', async () => {
  fc.assert(
    fc.property(
      fc.bigInt(-(10n ** 24n), 10n ** 24n),
      fc.constantFrom('DecimalSI' as const, 'BinarySI' as const, 'DecimalExponent' as const),
      (nano, format) => parseQuantity(formatQuantity({ nano, format })).nano === nano,
    ),
  )
})
