import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** Encrypts values with one key. `context` is the store's key: a value copied to another object cannot be read. */
export interface Cipher {
  encrypt(context: string, plain: Buffer): Buffer
  /** Throws when the key is wrong or the value was changed. */
  decrypt(context: string, stored: Buffer): Buffer
}

const nonceBytes = 12
const tagBytes = 16

type GcmName = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'

/** Nonce (12 bytes), ciphertext, tag (16 bytes): upstream's layout of aesgcm. */
export const aesGcm = (key: Buffer): Cipher => {
  const algorithm: GcmName = `aes-${(key.length * 8) as 128 | 192 | 256}-gcm`
  return {
    encrypt: (context, plain) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(algorithm, key, nonce)
      cipher.setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    decrypt: (context, stored) => {
      if (stored.length < nonceBytes + tagBytes) throw new Error('the value is too short')
      const decipher = createDecipheriv(algorithm, key, stored.subarray(0, nonceBytes), { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(context))
      decipher.setAuthTag(stored.subarray(-tagBytes))
      return Buffer.concat([decipher.update(stored.subarray(nonceBytes, -tagBytes)), decipher.final()])
    },
  }
}

const blockBytes = 16

/** Initialization vector (16 bytes), ciphertext with PKCS #7 padding: upstream's aescbc, which authenticates nothing. */
export const aesCbc = (key: Buffer): Cipher => {
  const algorithm = `aes-${key.length * 8}-cbc`
  return {
    encrypt: (_context, plain) => {
      const iv = randomBytes(blockBytes)
      const cipher = createCipheriv(algorithm, key, iv)
      return Buffer.concat([iv, cipher.update(plain), cipher.final()])
    },
    decrypt: (_context, stored) => {
      if (stored.length < 2 * blockBytes || stored.length % blockBytes !== 0) throw new Error('the length is wrong')
      const decipher = createDecipheriv(algorithm, key, stored.subarray(0, blockBytes))
      return Buffer.concat([decipher.update(stored.subarray(blockBytes)), decipher.final()])
    },
  }
}
