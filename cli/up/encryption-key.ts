import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFileAtomic } from '../../host/files.ts'

/**
 * Makes the key that Secrets are encrypted with at rest, once: an EncryptionConfiguration, as the API server takes it.
 * `identity` comes last, so that a store from before it had a key can be read. See docs/adr on encryption.
 */
export const ensureEncryptionKey = (file: string): void => {
  if (existsSync(file)) return
  const keys = [{ name: 'key1', secret: randomBytes(32).toString('base64') }]
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ aesgcm: { keys } }, { identity: {} }] }],
  }
  writeFileAtomic(file, `${JSON.stringify(configuration, null, 2)}\n`, 0o600)
}
