import { SkiffError } from '../../../kube/errors.ts'
import { encryptionPrefixOf, type ValueCodec } from './value-codec.ts'

/** No encryption: what is written is the JSON text; what was encrypted before is refused by name. */
export const plainValues: ValueCodec = {
  encode: (_key, bytes) => bytes,
  decode: (key, stored) => {
    const prefix = encryptionPrefixOf(stored)
    if (prefix !== undefined)
      throw new SkiffError('INVALID_INPUT', `${key} is encrypted (${prefix}…), and there is no key`, {
        remedy: 'name the configuration that has its key by --encryption-provider-config',
      })
    return { bytes: stored, stale: false }
  },
}
