import t from 'tap'
import {
  formatLabelSelector,
  matchesFields,
  matchesLabels,
  matchLabelSelector,
  parseFieldSelector,
  parseLabelSelector,
} from '../../kube/selectors.ts'

const labels = { app: 'web', tier: 'front', size: '12', 'example.com/a': '' }

for (const { name, text, matches } of [
  { name: 'an empty selector matches everything', text: '', matches: true },
  { name: 'one equals sign compares', text: 'app=web', matches: true },
  { name: 'two equals signs compare', text: 'app == web', matches: true },
  { name: 'requirements are joined by and', text: 'app=web,tier=back', matches: false },
  { name: 'an absent label is unequal to everything', text: 'gone!=x', matches: true },
  { name: 'a set contains the value', text: 'app in (db, web),tier in (front)', matches: true },
  { name: 'a set of others excludes the value', text: 'app notin (web)', matches: false },
  { name: 'an absent label is in no set', text: 'gone notin (a,b)', matches: true },
  { name: 'a bare key asks for presence', text: 'app,tier', matches: true },
  { name: 'an exclamation mark asks for absence', text: '!app', matches: false },
  { name: 'greater compares numbers, not texts', text: 'size>9', matches: true },
  { name: 'less compares numbers', text: 'size<9', matches: false },
  { name: 'an empty value is a value', text: 'example.com/a=', matches: true },
  { name: 'a key of Object.prototype is no label', text: 'constructor', matches: false },
])
  t.test(name, async t => {
    t.equal(matchesLabels(parseLabelSelector(text), labels), matches)
  })

for (const text of ['a=b=c', 'a in b', 'a in (b', '=x', 'a b', 'a>x', 'a,,b', '-a=b', 'a=b c'])
  t.test(`the label selector ${JSON.stringify(text)} is refused`, async t => {
    t.throws(() => parseLabelSelector(text), { name: 'ApiError', reason: 'BadRequest' })
  })

t.test("an object's selector: absent matches nothing, empty matches everything", async t => {
  t.equal(matchLabelSelector(undefined, labels), false)
  t.equal(matchLabelSelector({}, labels), true)
  t.equal(
    matchLabelSelector(
      { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['back', 'front'] }] },
      labels,
    ),
    true,
  )
})

t.test('the text of a selector is sorted and reads back as the same selector', async t => {
  const selector = {
    matchLabels: { b: '1', a: '2' },
    matchExpressions: [
      { key: 'c', operator: 'NotIn', values: ['y', 'x'] },
      { key: 'd', operator: 'Exists' },
      { key: 'e', operator: 'DoesNotExist' },
    ],
  }
  const text = formatLabelSelector(selector)
  t.equal(text, 'a=2,b=1,c notin (x,y),d,!e')
  t.equal(matchesLabels(parseLabelSelector(text), { a: '2', b: '1', d: '' }), true)
})

t.test('field selectors: equality, inequality, escapes', async t => {
  t.same(parseFieldSelector(String.raw`metadata.name=a\,b,spec.nodeName!=,x==y`), [
    { field: 'metadata.name', op: '=', value: 'a,b' },
    { field: 'spec.nodeName', op: '!=', value: '' },
    { field: 'x', op: '=', value: 'y' },
  ])
  t.equal(
    matchesFields(parseFieldSelector('a=1,b!=2'), field => (field === 'a' ? '1' : '')),
    true,
  )
  t.throws(() => parseFieldSelector('nonsense'), { name: 'ApiError', reason: 'BadRequest' })
})
