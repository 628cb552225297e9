import { Readable } from 'node:stream'

/** One member of a tar archive. */
export type TarEntry =
  | { kind: 'directory'; path: string; mode: number }
  | { kind: 'file'; path: string; mode: number; content: Buffer }
  | { kind: 'symlink'; path: string; target: string }

const BLOCK = 512
const typeFlags = { file: '0', symlink: '2', directory: '5' } as const

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

/** A ustar header (POSIX.1-1988): owner root, time 0, so that the same files give the same bytes. */
const headerOf = (entry: TarEntry): Buffer => {
  const header = Buffer.alloc(BLOCK)
  const path = entry.kind === 'directory' ? `${entry.path}/` : entry.path
  header.write(path, 0, 100)
  header.write(octal(entry.kind === 'symlink' ? 0o777 : entry.mode, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(entry.kind === 'file' ? entry.content.length : 0, 12), 124)
  header.write(octal(0, 12), 136)
  header.write(typeFlags[entry.kind], 156)
  if (entry.kind === 'symlink') header.write(entry.target, 157, 100)
  header.write('ustar\0', 257)
  header.write('00', 263)
  header.write('root', 265)
  header.write('root', 297)
  // The checksum counts its own field as spaces.
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

function* blocks(entries: readonly TarEntry[]): Generator<Buffer> {
  for (const entry of entries) {
    yield headerOf(entry)
    if (entry.kind !== 'file') continue
    yield entry.content
    const rest = entry.content.length % BLOCK
    if (rest !== 0) yield Buffer.alloc(BLOCK - rest)
  }
  yield Buffer.alloc(2 * BLOCK)
}

/** The archive of these members, in this order. Paths are relative and at most 100 bytes. */
export const tarStream = (entries: readonly TarEntry[]): Readable =>
  Readable.from(blocks(entries), { objectMode: false })
