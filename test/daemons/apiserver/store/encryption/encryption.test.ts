import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { encryptedValues } from '../../../../../daemons/apiserver/store/encryption/encrypted-values.ts'
import { parseEncryptionConfiguration } from '../../../../../daemons/apiserver/store/encryption/encryption-configuration.ts'
import { LmdbStore } from '../../../../../daemons/apiserver/store/lmdb-store.ts'
import { plainValues } from '../../../../../daemons/apiserver/store/plain-values.ts'
import type { ValueCodec } from '../../../../../daemons/apiserver/store/value-codec.ts'
import { FakeClock } from '../../../../../host/clock-fake.ts'

const secretOf = (letter: string) => Buffer.alloc(32, letter).toString('base64')
const provider = (name: string, ...keys: string[]) => ({
  [name]: { keys: keys.map(key => ({ name: key, secret: secretOf(key) })) },
})
const identity = { identity: {} }
const configuration = (...rules: { resources: string[]; providers: unknown[] }[]) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: rules,
})
const codec = (...providers: unknown[]): ValueCodec =>
  encryptedValues(parseEncryptionConfiguration(configuration({ resources: ['secrets'], providers }), 'file'))

const key = '/registry/core/secrets/default/s'
const text = Buffer.from('{"kind":"Secret","data":{"password":"aHVudGVyMg=="}}')

for (const name of ['aesgcm', 'aescbc'])
  void t.test(`${name} writes upstream's prefix and reads back what it wrote`, async t => {
    const one = codec(provider(name, 'a'), identity)
    const stored = one.encode(key, text)
    t.equal(stored.toString('latin1', 0, 20), `k8s:enc:${name}:v1:a:`.slice(0, 20))
    t.notOk(stored.includes('hunter') || stored.includes('aHVudGVy') || stored.includes('password'))
    t.notSame(one.encode(key, text), stored, 'never twice the same')
    t.same(one.decode(key, stored), { bytes: text, stale: false })
  })

void t.test('a rotated key: the first one writes, all read, and what an older one wrote is stale', async t => {
  const old = codec(provider('aesgcm', 'a')).encode(key, text)
  const rotated = codec(provider('aesgcm', 'b', 'a'), identity)
  t.same(rotated.decode(key, old), { bytes: text, stale: true })
  t.same(rotated.decode(key, text), { bytes: text, stale: true }, 'plain values too')
  t.match(String(rotated.encode(key, text)), /^k8s:enc:aesgcm:v1:b:/)
})

void t.test('only the resources that are named are encrypted, by the first rule that names them', async t => {
  const rules = [
    { resources: ['configmaps', 'deployments.apps'], providers: [identity] },
    { resources: ['*.apps'], providers: [provider('aesgcm', 'a'), identity] },
    { resources: ['*.*'], providers: [provider('aescbc', 'b'), identity] },
  ]
  const values = encryptedValues(parseEncryptionConfiguration(configuration(...rules), 'file'))
  const start = (path: string) => String(values.encode(`/registry/${path}/default/x`, text)).slice(0, 18)
  t.equal(start('core/configmaps'), String(text).slice(0, 18))
  t.equal(start('apps/deployments'), String(text).slice(0, 18))
  t.equal(start('apps/statefulsets'), 'k8s:enc:aesgcm:v1:')
  t.equal(start('example.com/things'), 'k8s:enc:aescbc:v1:')
})

const gcm = codec(provider('aesgcm', 'a'))
const stored = gcm.encode(key, text)
const cases: { name: string; decode(): unknown; message: RegExp }[] = [
  {
    name: 'a missing key is named',
    decode: () => codec(provider('aesgcm', 'b')).decode(key, stored),
    message: /secrets\/default\/s is encrypted by k8s:enc:aesgcm:v1:a:, which is not among the providers/,
  },
  {
    name: 'without a configuration an encrypted value is refused',
    decode: () => plainValues.decode(key, stored),
    message: /is encrypted \(k8s:enc:aesgcm:v1:a:…\), and there is no key/,
  },
  {
    name: 'a wrong key of the same name is told',
    decode: () => codec({ aesgcm: { keys: [{ name: 'a', secret: secretOf('z') }] } }).decode(key, stored),
    message: /cannot be decrypted by k8s:enc:aesgcm:v1:a:/,
  },
  {
    name: 'a value that was moved to another object is refused',
    decode: () => gcm.decode('/registry/core/secrets/default/other', stored),
    message: /cannot be decrypted/,
  },
  {
    name: 'without identity a plain value is refused',
    decode: () => gcm.decode(key, text),
    message: /is not encrypted, and identity is not among the providers/,
  },
]
for (const { name, decode, message } of cases)
  void t.test(name, async t => {
    t.throws(decode, { code: 'INVALID_INPUT', message })
  })

const bad: { name: string; value: unknown; code: string; message: RegExp }[] = [
  {
    name: 'another kind',
    value: { kind: 'Pod' },
    code: 'INVALID_INPUT',
    message: /must be apiserver.config.k8s.io\/v1/,
  },
  {
    name: 'secretbox',
    value: configuration({ resources: ['secrets'], providers: [provider('secretbox', 'a')] }),
    code: 'NOT_IMPLEMENTED',
    message: /resources\[0\].providers\[0\]: the provider secretbox is not supported/,
  },
  {
    name: 'kms',
    value: configuration({ resources: ['secrets'], providers: [{ kms: { name: 'x' } }] }),
    code: 'NOT_IMPLEMENTED',
    message: /the provider kms is not supported/,
  },
  {
    name: 'a short secret',
    value: configuration({
      resources: ['secrets'],
      providers: [{ aescbc: { keys: [{ name: 'a', secret: 'YWJj' }] } }],
    }),
    code: 'INVALID_INPUT',
    message: /providers\[0\].aescbc.keys\[0\].secret: must be base64 of 32 bytes/,
  },
  {
    name: 'no providers',
    value: configuration({ resources: ['secrets'], providers: [] }),
    code: 'INVALID_INPUT',
    message: /resources\[0\].providers: Required value/,
  },
]
for (const { name, value, code, message } of bad)
  void t.test(`${name} is refused by its place`, async t => {
    t.throws(() => parseEncryptionConfiguration(value, 'file'), { code, message })
  })

void t.test(
  'the plain text is never on the disk, before compaction or after, and rotation reaches old values',
  async t => {
    const directory = mkdtempSync(join(tmpdir(), 'skiff-encrypted-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const open = (values: ValueCodec) =>
      LmdbStore.open({ directory, clock: new FakeClock(), signal: new AbortController().signal, codec: values })
    const onDisk = (word: string) =>
      readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
        entry => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(word),
      )
    const password = 'correct-horse-battery-staple'
    let store = await open(codec(provider('aesgcm', 'a')))
    const object = { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, stringData: { password } }
    const put = () => store.transact([{ kind: 'put', key, object }])
    await put()
    t.same(onDisk(password), [])
    await put()
    await store.compact(store.revision)
    await put()
    t.same(onDisk(password), [])
    t.ok(onDisk('k8s:enc:aesgcm:v1:a:').length > 0)
    await store.close()
    store = await open(codec(provider('aesgcm', 'b', 'a')))
    t.equal(store.get(key)?.stale, true)
    t.same(store.get(key)?.object['stringData'], { password })
    await put()
    t.equal(store.get(key)?.stale, false)
    await store.close()
    await t.rejects(open(plainValues), { code: 'INVALID_INPUT' })
    // Everything is written with the new key: the old one may go, though the log has what it wrote.
    store = await open(codec(provider('aesgcm', 'b')))
    t.same(store.get(key)?.object['stringData'], { password })
    const { revision } = store
    const secrets = '/registry/core/secrets/'
    t.throws(() => store.watch(secrets, revision - 1, () => {}), { message: /^too old resource version/ })
    await put()
    const seen: number[] = []
    store.watch(secrets, revision, event => seen.push(event.entry.revision))()
    t.same(seen, [revision + 1])
    await store.close()
  },
)
