import { SkiffError } from '../../../kube/errors.ts'
import type { UnknownObject } from '../../../kube/object.ts'

/** How every value begins that this engine wrote; what follows is the first field of metadata, or its end. */
const start = /^\{"kind":"[^"\\]*","apiVersion":"[^"\\]*","metadata":\{/

/** The text that is kept: without the resourceVersion, which is etcd's own revision. */
export const withoutVersion = (object: UnknownObject): Buffer => {
  const { kind, apiVersion, metadata, ...rest } = object
  const { resourceVersion: _, ...kept } = metadata ?? {}
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: kept, ...rest }))
}

/** The text with the revision put in. Throws SkiffError CORRUPT for what is no JSON object. */
export const withVersion = (key: string, value: Buffer, revision: number): Buffer => {
  const length = start.exec(value.toString('latin1', 0, 512))?.[0].length
  const version = `"resourceVersion":"${revision}"`
  if (length !== undefined && value[length] !== undefined && !value.includes('"resourceVersion":', length)) {
    const insert = Buffer.from(value[length] === 0x7d ? version : `${version},`)
    const bytes = Buffer.allocUnsafeSlow(value.length + insert.length)
    value.copy(bytes, 0, 0, length)
    insert.copy(bytes, length)
    value.copy(bytes, length + insert.length, length)
    return bytes
  }
  // It came from elsewhere, or has a resourceVersion further in.
  let object: UnknownObject
  try {
    object = JSON.parse(String(value)) as UnknownObject
    if (typeof object !== 'object' || object === null) throw new Error('it is no object')
  } catch (cause) {
    throw new SkiffError('CORRUPT', `${key} is not JSON`, {
      cause,
      remedy:
        'another API server wrote it, as protobuf perhaps: let it write JSON (--storage-media-type), or choose another --etcd-prefix',
    })
  }
  object.metadata = { ...object.metadata, resourceVersion: String(revision) }
  const text = JSON.stringify(object)
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}
