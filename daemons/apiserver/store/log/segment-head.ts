import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Every segment begins with its magic, and its number (8 bytes): a file under another's name is found out. */
const magic = Buffer.from('skifflog')
export const segmentHeadBytes = 16

export const segmentHead = (number: number): Buffer => {
  const head = Buffer.alloc(segmentHeadBytes)
  magic.copy(head)
  head.writeDoubleBE(number, 8)
  return head
}

/** The number of the segment; undefined for what is none. */
export const parseSegmentHead = (head: Buffer): number | undefined =>
  head.length === segmentHeadBytes && head.subarray(0, magic.length).equals(magic) ? head.readDoubleBE(8) : undefined

export const logDirectory = (directory: string): string => join(directory, 'log')

export const segmentFile = (directory: string, number: number): string =>
  join(logDirectory(directory), `${String(number).padStart(10, '0')}.log`)

/** The numbers of the segments that are there, in order; none when there is no log. */
export const listSegments = (directory: string): number[] => {
  let names: string[]
  try {
    names = readdirSync(logDirectory(directory))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return names
    .filter(name => /^\d{10}\.log$/.test(name))
    .map(name => Number(name.slice(0, 10)))
    .sort((a, b) => a - b)
}
