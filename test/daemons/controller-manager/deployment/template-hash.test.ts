import t from 'tap'
import {
  equalTemplates,
  hashLabel,
  templateHash,
} from '../../../../daemons/controller-manager/deployment/template-hash.ts'

const template = { metadata: { labels: { a: '1' } }, spec: { containers: [{ name: 'c', image: 'x' }] } }

t.test('the hash depends on the content, not on the order of keys', async t => {
  const turned = { spec: { containers: [{ image: 'x', name: 'c' }] }, metadata: { labels: { a: '1' } } }
  t.equal(templateHash(template), templateHash(turned))
  t.not(templateHash(template), templateHash({ ...template, metadata: { labels: { a: '2' } } }))
})

t.test('it is a label value of letters that make no words, and a collision gives another', async t => {
  t.match(templateHash(template), /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/)
  t.not(templateHash(template), templateHash(template, 1))
})

t.test('templates are the same whatever hash they are labelled with', async t => {
  const labelled = { ...template, metadata: { creationTimestamp: null as never, labels: { a: '1', [hashLabel]: 'x' } } }
  t.equal(equalTemplates(template, labelled), true)
  t.equal(equalTemplates(template, { ...template, spec: { containers: [] } }), false)
})
