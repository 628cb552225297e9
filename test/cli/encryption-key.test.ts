import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ensureEncryptionKey } from '../../cli/up/encryption-key.ts'
import { encryptedValues } from '../../daemons/apiserver/store/encryption/encrypted-values.ts'
import { readEncryptionConfiguration } from '../../daemons/apiserver/store/encryption/encryption-configuration.ts'

void t.test('the key that up makes is taken by the API server, readable by root alone, and made once', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-key-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'encryption.json')
  ensureEncryptionKey(file)
  t.equal(statSync(file).mode & 0o777, 0o600)
  const values = encryptedValues(await readEncryptionConfiguration(file))
  const plain = Buffer.from('{"kind":"Secret"}')
  const stored = values.encode('/registry/core/secrets/default/s', plain)
  t.match(String(stored), /^k8s:enc:aesgcm:v1:key1:/)
  t.same(values.decode('/registry/core/secrets/default/s', stored), { bytes: plain, stale: false })
  t.same(values.decode('/registry/core/secrets/default/s', plain).bytes, plain, 'what was there before it can be read')
  const before = readFileSync(file, 'utf8')
  ensureEncryptionKey(file)
  t.equal(readFileSync(file, 'utf8'), before)
})
