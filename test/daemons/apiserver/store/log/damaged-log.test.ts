import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { replayLog } from '../../../../../daemons/apiserver/store/log/replay-log.ts'
import { listSegments, segmentFile, segmentHead } from '../../../../../daemons/apiserver/store/log/segment-head.ts'
import { put } from '../store-suite.ts'
import { makeDirectory, openStore, podsOf } from './log-store.ts'

/** Where each group of a segment begins, and where the last one ends. */
const groupsOf = (file: string): number[] => {
  const bytes = readFileSync(file)
  const starts = [16]
  for (;;) {
    const at = starts.at(-1) ?? 0
    const length = bytes.length > at + 12 ? bytes.readUInt32BE(at + 8) : 0
    if (length === 0) return starts
    starts.push(at + length)
  }
}

const overwrite = (file: string, at: number, bytes: Buffer): void => {
  const fd = openSync(file, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}

const flip = (file: string, at: number): void => {
  overwrite(file, at, Buffer.from([(readFileSync(file)[at] ?? 0) ^ 0x40]))
}

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const history = { historyMs: 1e9 }
/** Two groups fit into a segment: eight pods make four segments, and a fifth is prepared. */
const log = { segmentBytes: 700, segments: 1000 }

const writePods = async (directory: string): Promise<void> => {
  const store = await openStore(directory, { log, history })
  for (const name of names) await store.transact([put(name, 0, { pad: 'x'.repeat(100) })])
  await store.close()
}

const cases: {
  name: string
  damage(directory: string, file: (number: number) => string): void
  end: { pods: string } | { message: RegExp }
}[] = [
  { name: 'a log that is whole has everything', damage: () => {}, end: { pods: 'abcdefgh' } },
  {
    name: 'a group that is cut off at the end was never acknowledged: the others are there',
    damage: (_, file) => truncateSync(file(4), (groupsOf(file(4)).at(-1) ?? 0) - 20),
    end: { pods: 'abcdefg' },
  },
  {
    name: 'a group at the end whose first bytes never arrived was not acknowledged either',
    damage: (_, file) => overwrite(file(4), groupsOf(file(4)).at(-2) ?? 0, Buffer.alloc(60)),
    end: { pods: 'abcdefg' },
  },
  {
    name: 'what a crash leaves of a segment that was being made does not matter',
    damage: (_, file) => {
      writeFileSync(`${file(5)}.new`, 'half')
      writeFileSync(file(5), Buffer.concat([segmentHead(5), Buffer.alloc(5000)]))
    },
    end: { pods: 'abcdefgh' },
  },
  {
    name: 'a damaged group that others follow is told with its file and place',
    damage: (_, file) => flip(file(4), 16 + 100),
    end: { message: /log\/0000000004\.log: at byte 16: a group is damaged, and others follow it/ },
  },
  {
    name: 'a damaged length is found out as well',
    damage: (_, file) => flip(file(4), 16 + 10),
    end: { message: /log\/0000000004\.log: at byte 16: a group is damaged/ },
  },
  {
    name: 'a damaged group at the end of a full segment is told',
    damage: (_, file) => flip(file(2), (groupsOf(file(2)).at(-1) ?? 0) - 1),
    end: { message: /log\/0000000002\.log: at byte \d+: a group is damaged, and \S+3\.log follows it/ },
  },
  {
    name: 'a group that vanished from the end of a full segment is missed by its revision',
    damage: (_, file) => truncateSync(file(2), groupsOf(file(2)).at(-2) ?? 0),
    end: { message: /log\/0000000003\.log: at byte 16: revision 4 is to follow 3/ },
  },
  {
    name: 'a missing segment in the middle is named',
    damage: (_, file) => rmSync(file(3)),
    end: { message: /log\/0000000003\.log is missing/ },
  },
  {
    name: 'the oldest segment is missed too',
    damage: (_, file) => rmSync(file(1)),
    end: { message: /log\/0000000001\.log is missing/ },
  },
  {
    name: 'a segment under the name of another is refused',
    damage: (_, file) => copyFileSync(file(4), file(3)),
    end: { message: /log\/0000000003\.log: at byte 0: is not the head of segment 3/ },
  },
  {
    name: 'a log whose store.mdb is lost is not overwritten',
    damage: directory => rmSync(join(directory, 'store.mdb')),
    end: { message: /is not the log of \S+store\.mdb/ },
  },
]

for (const { name, damage, end } of cases)
  void t.test(name, async t => {
    const directory = makeDirectory(t)
    await writePods(directory)
    t.same(listSegments(directory), [1, 2, 3, 4, 5])
    damage(directory, number => segmentFile(directory, number))
    if ('message' in end) {
      await t.rejects(openStore(directory, { log, history }), { code: 'CORRUPT', message: end.message })
      return
    }
    let store = await openStore(directory, { log, history })
    t.equal(podsOf(store).join(''), end.pods)
    await store.transact([put('next', 0)])
    await store.close()
    store = await openStore(directory, { log, history })
    t.equal(podsOf(store).join(''), `${end.pods}next`)
    await store.close()
  })

void t.test('wherever the last segment is cut off or turns to zeros, all groups before that are there', async t => {
  const directory = makeDirectory(t)
  const store = await openStore(directory)
  for (const name of names) await store.transact([put(name, 0)])
  await store.close()
  const file = segmentFile(directory, 1)
  const starts = groupsOf(file)
  const whole = readFileSync(file)
  const read = (): number => {
    let groups = 0
    replayLog(directory, { first: 1, revision: 0 }, () => groups++)
    return groups
  }
  const end = starts.at(-1) ?? 0
  for (let at = 16; at <= end; at += 13) {
    const expected = starts.filter(start => start <= at).length - 1
    writeFileSync(file, whole.subarray(0, at))
    t.equal(read(), expected, `cut off at ${at}`)
    writeFileSync(file, Buffer.concat([whole.subarray(0, at), Buffer.alloc(whole.length - at)]))
    t.equal(read(), expected, `zeros from ${at}`)
  }
})
