import { messageOf, SkiffError } from '../../../../kube/errors.ts'
import { encryptionPrefixOf, type ValueCodec } from '../value-codec.ts'
import { upstreamPath } from '../builtin-paths.ts'
import type { EncryptionRule, Provider } from './encryption-configuration.ts'

const plain: readonly Provider[] = [{ kind: 'identity' }]

/** Whether `pattern` of a configuration names the resource. A pattern without a dot is of the core group. */
const names = (pattern: string, group: string, plural: string): boolean => {
  const dot = pattern.indexOf('.')
  const [resource, of] = dot < 0 ? [pattern, ''] : [pattern.slice(0, dot), pattern.slice(dot + 1)]
  return (resource === '*' || resource === plural) && (of === '*' || of === group)
}

const remedy = 'add the key to --encryption-provider-config'

/** Encryption at rest by the rules of an EncryptionConfiguration, in upstream's format. */
export const encryptedValues = (rules: readonly EncryptionRule[]): ValueCodec => {
  const known = new Map<string, readonly Provider[]>()
  const providersOf = (key: string): readonly Provider[] => {
    const [, , segment = '', plural = ''] = key.split('/', 4)
    const name = `${segment}/${plural}`
    let providers = known.get(name)
    if (providers === undefined) {
      const group = segment === 'core' ? '' : segment
      const rule = rules.find(({ resources }) => resources.some(pattern => names(pattern, group, plural)))
      providers = rule?.providers ?? plain
      known.set(name, providers)
    }
    return providers
  }
  return {
    encode: (key, bytes) => {
      const [first] = providersOf(key)
      if (first === undefined || first.kind === 'identity') return bytes
      return Buffer.concat([Buffer.from(first.prefix), first.cipher.encrypt(upstreamPath(key), bytes)])
    },
    decode: (key, stored) => {
      const providers = providersOf(key)
      const prefix = encryptionPrefixOf(stored)
      const index = providers.findIndex(provider =>
        provider.kind === 'identity' ? prefix === undefined : provider.prefix === prefix,
      )
      const provider = providers[index]
      if (provider === undefined) {
        // As upstream: without identity among the providers plain values are refused.
        const what =
          prefix === undefined ? 'is not encrypted, and identity is not' : `is encrypted by ${prefix}, which is not`
        throw new SkiffError('INVALID_INPUT', `${key} ${what} among the providers of its resource`, { remedy })
      }
      if (provider.kind === 'identity') return { bytes: stored, stale: index > 0 }
      try {
        const bytes = provider.cipher.decrypt(upstreamPath(key), stored.subarray(provider.prefix.length))
        return { bytes, stale: index > 0 }
      } catch (cause) {
        const text = `${key} cannot be decrypted by ${provider.prefix}: ${messageOf(cause)}`
        throw new SkiffError('INVALID_INPUT', text, { cause, remedy: 'name the key that it was written with' })
      }
    },
  }
}
