import { readFileSync } from 'node:fs'
import { messageOf, SkiffError } from '../../../../kube/errors.ts'
import { aesCbc, aesGcm, type Cipher } from './ciphers.ts'

/** One way to write values: plain, or by one key. `prefix` is what its values begin with. */
export type Provider = { kind: 'identity' } | { kind: 'cipher'; prefix: string; cipher: Cipher }

export interface EncryptionRule {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.*`; the first rule that names a resource is the one in force. */
  resources: readonly string[]
  /** The first writes, all read. */
  providers: readonly Provider[]
}

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown, path: string): Fields => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new SkiffError('INVALID_INPUT', `${path}: must be an object`)
}

const listOf = (value: unknown, path: string): readonly unknown[] => {
  if (Array.isArray(value) && value.length > 0) return value
  throw new SkiffError('INVALID_INPUT', `${path}: Required value: at least one is needed`)
}

const onlyKeys = (fields: Fields, known: readonly string[], path: string): void => {
  const unknown = Object.keys(fields).find(key => !known.includes(key))
  if (unknown !== undefined) throw new SkiffError('INVALID_INPUT', `${path}: unknown field ${JSON.stringify(unknown)}`)
}

const ciphers = {
  aesgcm: { make: aesGcm, lengths: [16, 24, 32] },
  aescbc: { make: aesCbc, lengths: [32] },
} as const

const notBuilt: Readonly<Record<string, string>> = {
  secretbox: 'Node.js has no XSalsa20',
  kms: 'key management services are not reached from here',
}

/** Every key of one `aesgcm` or `aescbc` entry, in order. */
const keysOf = (name: keyof typeof ciphers, value: unknown, path: string): Provider[] => {
  const fields = fieldsOf(value, path)
  onlyKeys(fields, ['keys'], path)
  return listOf(fields['keys'], `${path}.keys`).map((item, index) => {
    const at = `${path}.keys[${index}]`
    const key = fieldsOf(item, at)
    onlyKeys(key, ['name', 'secret'], at)
    if (typeof key['name'] !== 'string' || key['name'] === '' || key['name'].includes(':'))
      throw new SkiffError('INVALID_INPUT', `${at}.name: must be a name without a colon`)
    const secret = typeof key['secret'] === 'string' ? key['secret'] : ''
    const bytes = Buffer.from(secret, 'base64')
    const { make, lengths } = ciphers[name]
    // Decoding drops what is not base64: encoding it again shows that.
    if (bytes.toString('base64') !== secret || !lengths.some(length => length === bytes.length))
      throw new SkiffError('INVALID_INPUT', `${at}.secret: must be base64 of ${lengths.join(', ')} bytes`, {
        remedy: `head -c 32 /dev/urandom | base64`,
      })
    return { kind: 'cipher', prefix: `k8s:enc:${name}:v1:${key['name']}:`, cipher: make(bytes) }
  })
}

const providersOf = (value: unknown, path: string): Provider[] => {
  const [[name, content] = ['', undefined], ...more] = Object.entries(fieldsOf(value, path))
  if (more.length > 0) throw new SkiffError('INVALID_INPUT', `${path}: more than one provider in one element`)
  if (name === 'identity') return [{ kind: 'identity' }]
  if (name === 'aesgcm' || name === 'aescbc') return keysOf(name, content, `${path}.${name}`)
  const why = notBuilt[name]
  throw why === undefined
    ? new SkiffError('INVALID_INPUT', `${path}: unknown provider ${JSON.stringify(name)}`, {
        remedy: 'aesgcm, aescbc and identity are known',
      })
    : new SkiffError('NOT_IMPLEMENTED', `${path}: the provider ${name} is not supported: ${why}`, {
        remedy: 'use aesgcm or aescbc',
      })
}

const ruleOf = (value: unknown, path: string): EncryptionRule => {
  const fields = fieldsOf(value, path)
  onlyKeys(fields, ['resources', 'providers'], path)
  const resources = listOf(fields['resources'], `${path}.resources`).map((resource, index) => {
    const fits = typeof resource === 'string' && /^(\*|[a-z0-9-]+)(\.[*a-z0-9.-]*)?$/.test(resource)
    if (fits && resource !== '*') return resource
    throw new SkiffError(
      'INVALID_INPUT',
      `${path}.resources[${index}]: ${JSON.stringify(resource)} is not a resource`,
      {
        remedy: 'secrets, deployments.apps, *.apps (a group), *. (the core group) or *.* (everything)',
      },
    )
  })
  const providers = listOf(fields['providers'], `${path}.providers`).flatMap((provider, index) =>
    providersOf(provider, `${path}.providers[${index}]`),
  )
  return { resources, providers }
}

/** apiserver.config.k8s.io/v1 EncryptionConfiguration. Throws SkiffError INVALID_INPUT or NOT_IMPLEMENTED by field. */
export const parseEncryptionConfiguration = (value: unknown, file: string): EncryptionRule[] => {
  const fields = fieldsOf(value, file)
  if (fields['kind'] !== 'EncryptionConfiguration' || fields['apiVersion'] !== 'apiserver.config.k8s.io/v1')
    throw new SkiffError('INVALID_INPUT', `${file}: must be apiserver.config.k8s.io/v1, kind EncryptionConfiguration`)
  onlyKeys(fields, ['apiVersion', 'kind', 'resources', 'metadata'], file)
  return listOf(fields['resources'], `${file}: resources`).map((rule, index) =>
    ruleOf(rule, `${file}: resources[${index}]`),
  )
}

/** Reads JSON or YAML; what `skiff up` makes is JSON, so that the start does not wait for a YAML parser. */
export const readEncryptionConfiguration = async (file: string): Promise<EncryptionRule[]> => {
  const fail = (cause: unknown) =>
    new SkiffError('INVALID_INPUT', `--encryption-provider-config ${file}: ${messageOf(cause)}`, { cause })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw fail(cause)
  }
  let value: unknown
  try {
    value = text.trimStart().startsWith('{') ? JSON.parse(text) : (await import('yaml')).parse(text)
  } catch (cause) {
    throw fail(cause)
  }
  return parseEncryptionConfiguration(value, file)
}
