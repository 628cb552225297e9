import { createPublicKey, verify } from 'node:crypto'

/**
 * The outer shape of a PKCS#10 request (RFC 2986), read synchronously: validation must not wait, and a whole ASN.1
 * library would be loaded for three fields of it.
 */
interface Der {
  tag: number
  /** With tag and length. */
  whole: Buffer
  content: Buffer
}

const readDer = (bytes: Buffer, offset = 0): Der => {
  const tag = bytes[offset]
  const first = bytes[offset + 1]
  if (tag === undefined || first === undefined) throw new RangeError('asn1: syntax error: data truncated')
  const count = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || count > 4) throw new RangeError('asn1: structure error: indefinite or oversized length')
  const start = offset + 2 + count
  const length = count === 0 ? first : bytes.readUIntBE(offset + 2, count)
  if (start + length > bytes.length) throw new RangeError('asn1: syntax error: data truncated')
  return { tag, whole: bytes.subarray(offset, start + length), content: bytes.subarray(start, start + length) }
}

const childrenOf = ({ content }: Der): Der[] => {
  const children: Der[] = []
  for (let offset = 0; offset < content.length;) {
    const child = readDer(content, offset)
    children.push(child)
    offset += child.whole.length
  }
  return children
}

/** Hashes by the OID of the signature's algorithm (DER, hexadecimal); null: the algorithm has its own. */
const hashes: Readonly<Record<string, string | null>> = {
  '2a864886f70d010105': 'sha1', // sha1WithRSAEncryption
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256', // ecdsa-with-SHA256
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  '2b6570': null, // Ed25519
}

const sequence = 0x30
const bitString = 0x03

/** What is wrong with a request, in PEM; undefined: it is whole, and signed with the key that it names. */
export const certificateRequestError = (pem: string): string | undefined => {
  const block = /-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE REQUEST-----/.exec(pem)
  if (block === null) return 'PEM block type must be CERTIFICATE REQUEST'
  try {
    const [info, algorithm, signature] = childrenOf(readDer(Buffer.from(block[1] ?? '', 'base64')))
    if (info?.tag !== sequence || algorithm?.tag !== sequence || signature?.tag !== bitString)
      return 'asn1: structure error: tags do not match those of a certificate request'
    const [, , publicKey] = childrenOf(info)
    const oid = childrenOf(algorithm)[0]?.content.toString('hex') ?? ''
    const hash = hashes[oid]
    if (hash === undefined) return 'x509: cannot verify signature: algorithm unimplemented'
    const key = createPublicKey({ key: publicKey?.whole ?? Buffer.alloc(0), format: 'der', type: 'spki' })
    // The first byte of a bit string counts its unused bits: none.
    return verify(hash, info.whole, key, signature.content.subarray(1)) ? undefined : 'x509: verification error'
  } catch (error) {
    return error instanceof RangeError ? error.message : 'x509: malformed certificate request'
  }
}
