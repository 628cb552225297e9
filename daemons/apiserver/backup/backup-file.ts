import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, openSync, fsyncSync, closeSync, renameSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { encryptionPrefixOf } from '../store/value-codec.ts'

/** One object, as the engine kept it: JSON text, or what an encryption provider made of it. */
export interface BackupRecord {
  key: string
  revision: number
  value: Buffer
}

export interface BackupSummary {
  /** ISO time. */
  savedAt: string
  /** Of the store when it was saved: every object is as it was then. */
  revision: number
  objects: number
  /** Of everything before the last line, in hex. */
  sha256: string
  /** `k8s:enc:aesgcm:v1:key1:`: keys without which a server cannot read the restored objects. */
  encryptedWith: string[]
}

const format = 'skiff-backup/1'

interface Line {
  format?: unknown
  savedAt?: unknown
  revision?: unknown
  key?: unknown
  text?: unknown
  base64?: unknown
  objects?: unknown
  sha256?: unknown
}

const corrupt = (file: string, why: string, cause?: unknown): SkiffError =>
  new SkiffError('CORRUPT', `${file} is no whole backup: ${why}`, { cause, remedy: 'use another backup' })

/**
 * Writes gzipped lines of JSON: a head, one line an object, and an end with the count and a checksum. The file appears
 * under its name only when it is whole and on the disk; it may be read by its owner alone.
 */
export const writeBackup = async (
  file: string,
  source: { revision: number; savedAt: string; records: AsyncIterable<BackupRecord> | Iterable<BackupRecord> },
): Promise<BackupSummary> => {
  const hash = createHash('sha256')
  const encryptedWith = new Set<string>()
  let objects = 0
  const lineOf = (fields: object): string => {
    const line = `${JSON.stringify(fields)}\n`
    hash.update(line)
    return line
  }
  let sha256 = ''
  const lines = async function* () {
    yield lineOf({ format, savedAt: source.savedAt, revision: source.revision })
    for await (const { key, revision, value } of source.records) {
      const prefix = encryptionPrefixOf(value)
      if (prefix !== undefined) encryptedWith.add(prefix)
      objects++
      yield lineOf({
        key,
        revision,
        ...(prefix === undefined ? { text: String(value) } : { base64: value.toString('base64') }),
      })
    }
    sha256 = hash.digest('hex')
    yield `${JSON.stringify({ objects, sha256 })}\n`
  }
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await pipeline(Readable.from(lines()), createGzip(), createWriteStream(temporary, { mode: 0o600 }))
    const fd = openSync(temporary, 'r')
    fsyncSync(fd)
    closeSync(fd)
    renameSync(temporary, file)
  } catch (cause) {
    rmSync(temporary, { force: true })
    if (cause instanceof SkiffError) throw cause
    throw new SkiffError('HOST_UNFIT', `${file} cannot be written: ${messageOf(cause)}`, { cause })
  }
  const { savedAt, revision } = source
  return { savedAt, revision, objects, sha256, encryptedWith: [...encryptedWith].sort() }
}

/** Every record, in the order of the file. Throws CORRUPT for what is cut off or changed: at its end, at the latest. */
export async function* readBackup(file: string): AsyncGenerator<BackupRecord, BackupSummary> {
  const hash = createHash('sha256')
  const encryptedWith = new Set<string>()
  let head: Line | undefined
  let end: Line | undefined
  let objects = 0
  try {
    const text = createReadStream(file)
    const unzipped = createGunzip()
    // A failing stream ends the lines with its error.
    text.on('error', error => unzipped.destroy(error))
    const input = text.pipe(unzipped)
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (end !== undefined) throw corrupt(file, 'it goes on behind its end')
      const fields = JSON.parse(line) as Line
      if (head === undefined) {
        if (fields.format !== format)
          throw corrupt(file, `its format is ${JSON.stringify(fields.format)}, not ${format}`)
        head = fields
      } else if (typeof fields.sha256 === 'string') {
        end = fields
        continue
      } else {
        const value =
          typeof fields.base64 === 'string' ? Buffer.from(fields.base64, 'base64') : Buffer.from(String(fields.text))
        const prefix = encryptionPrefixOf(value)
        if (prefix !== undefined) encryptedWith.add(prefix)
        objects++
        yield { key: String(fields.key), revision: Number(fields.revision), value }
      }
      hash.update(`${line}\n`)
    }
  } catch (cause) {
    if (cause instanceof SkiffError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new SkiffError('NOT_FOUND', `${file} is not there`, { cause })
    throw corrupt(file, messageOf(cause), cause)
  }
  if (head === undefined || end === undefined) throw corrupt(file, 'its end is missing')
  const sha256 = hash.digest('hex')
  if (end.sha256 !== sha256 || end.objects !== objects) throw corrupt(file, 'its checksum does not fit')
  const summary = { savedAt: String(head.savedAt), revision: Number(head.revision), objects, sha256 }
  return { ...summary, encryptedWith: [...encryptedWith].sort() }
}

/** Reads it to the end without keeping anything. Throws CORRUPT, or NOT_FOUND. */
export const checkBackup = async (file: string): Promise<BackupSummary> => {
  const records = readBackup(file)
  for (;;) {
    const next = await records.next()
    if (next.done === true) return next.value
  }
}
