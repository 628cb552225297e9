/** A value as it was read from a disk or from etcd. */
export interface DecodedValue {
  /** JSON text. */
  bytes: Buffer
  /** Written under another key than the one that writes now. */
  stale: boolean
}

/**
 * What stands between the JSON text of an object and what an engine keeps of it: encryption at rest. `key` is the
 * store's (`/registry/core/secrets/default/x`).
 */
export interface ValueCodec {
  encode(key: string, bytes: Buffer): Buffer
  /** Throws SkiffError INVALID_INPUT when the value is encrypted with a key that is not there. */
  decode(key: string, stored: Buffer): DecodedValue
}

const encryptedPrefix = Buffer.from('k8s:enc:')

/** `k8s:enc:aesgcm:v1:key1:` of an encrypted value; undefined for plain JSON. */
export const encryptionPrefixOf = (stored: Buffer): string | undefined => {
  if (!stored.subarray(0, encryptedPrefix.length).equals(encryptedPrefix)) return undefined
  let end = 0
  for (let colons = 0; colons < 5 && end < stored.length && end < 512; end++) if (stored[end] === 0x3a) colons++
  return stored.toString('latin1', 0, end)
}
