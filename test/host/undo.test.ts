import t from 'tap'
import { mkdtempSync, rmSync, appendFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removalText } from '../../host/iptables-removal.ts'
import { FakeJournal, FileJournal, readJournal, type Change } from '../../host/journal.ts'
import { isEmptyTable, mountsBelow, nftObjects, undoChanges, undoOrder } from '../../host/undo.ts'
import { FakeExec } from '../../host/exec-fake.ts'

const saved = `*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-ABC - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j DOCKER
-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-ABC
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -j ACCEPT
COMMIT
`

t.test('only our chains and the jumps to them are removed, chains emptied before they go', async t => {
  t.equal(
    removalText(saved, 'KUBE-', ['nat', 'filter']),
    '*nat\n-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n' +
      '-F KUBE-SERVICES\n-F KUBE-SVC-ABC\n-X KUBE-SERVICES\n-X KUBE-SVC-ABC\nCOMMIT\n',
  )
})

for (const { name, prefix, tables } of [
  { name: 'a table that is not named is left alone', prefix: 'KUBE-', tables: ['filter'] },
  { name: 'a prefix that nothing has gives no text', prefix: 'SKIFF-', tables: ['nat', 'filter'] },
])
  t.test(name, async t => {
    t.equal(removalText(saved, prefix, tables), undefined)
  })

t.test('rules are undone before links, and links before sysctls, the newest of a kind first', async t => {
  const changes: Change[] = [
    { kind: 'sysctl', key: 'net/ipv4/ip_forward', before: '0' },
    { kind: 'link', name: 'a' },
    { kind: 'link', name: 'b' },
    { kind: 'iptables', family: 'ip', prefix: 'KUBE-', tables: ['nat'] },
  ]
  t.strictSame(
    undoOrder(changes).map(change => ('name' in change ? change.name : change.kind)),
    ['iptables', 'b', 'a', 'sysctl'],
  )
})

t.test('undoing goes on after a failure and names what failed', async t => {
  const exec = new FakeExec(({ file }) => (file === 'iptables-save' ? { exitCode: 1, stderr: 'no' } : {}))
  const report = await undoChanges(
    [
      { kind: 'iptables', family: 'ip', prefix: 'KUBE-', tables: ['nat'] },
      { kind: 'address', link: 'lo', address: '10.96.0.10/32' },
    ],
    exec,
  )
  t.equal(report.undone, 1)
  t.equal(report.failures.length, 1)
  t.equal(exec.calls.at(-1)?.args.join(' '), 'address delete 10.96.0.10/32 dev lo')
})

t.test('an address that is gone already is undone', async t => {
  const exec = new FakeExec(() => ({ exitCode: 2, stderr: 'RTNETLINK answers: Cannot assign requested address' }))
  t.equal((await undoChanges([{ kind: 'address', link: 'lo', address: '10.0.0.1/32' }], exec)).failures.length, 0)
})

t.test('mounts are listed deepest first, with their escapes decoded, and neighbours are left', async t => {
  const info = [
    '1 0 0:1 / / rw - ext4 a rw',
    '2 1 0:1 / /var/lib/skiff rw - ext4 a rw',
    '3 2 0:1 / /var/lib/skiff/a\\040b rw - tmpfs t rw',
    '4 1 0:1 / /var/lib/skiffy rw - tmpfs t rw',
  ].join('\n')
  t.strictSame(mountsBelow(info, '/var/lib/skiff'), ['/var/lib/skiff/a b', '/var/lib/skiff'])
})

for (const { name, listing, empty } of [
  {
    name: 'a table of base chains that accept is empty',
    listing:
      'table ip nat {\n\tchain PREROUTING {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t}\n}\n',
    empty: true,
  },
  {
    name: 'a table with a rule is not empty',
    listing: 'table ip nat {\n\tchain X {\n\t\tcounter return\n\t}\n}\n',
    empty: false,
  },
  {
    name: 'a chain that drops is somebody’s decision',
    listing:
      'table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n',
    empty: false,
  },
])
  t.test(name, async t => {
    t.equal(isEmptyTable(listing), empty)
  })

t.test('the first value written down wins, across processes and restarts', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-journal-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  new FileJournal(directory, 'a').record({ kind: 'sysctl', key: 'k', before: '0' })
  new FileJournal(directory, 'a').record({ kind: 'sysctl', key: 'k', before: '1' })
  new FileJournal(directory, 'b').record({ kind: 'sysctl', key: 'k', before: '2' })
  appendFileSync(join(directory, 'a.jsonl'), '{"kind":"link","na')
  t.strictSame(readJournal(directory), [{ kind: 'sysctl', key: 'k', before: '0' }])
})

t.test('the fake journal keeps a change once', async t => {
  const journal = new FakeJournal()
  journal.record({ kind: 'link', name: 'a' })
  journal.record({ kind: 'link', name: 'a' })
  t.equal(journal.changes.length, 1)
})

t.test('tables and chains are told by family, table and name', async t => {
  const listing =
    'table ip nat {\n\tchain OUTPUT {\n\t\ttype nat hook output priority -100; policy accept;\n\t}\n}\ntable inet own {\n}\n'
  t.strictSame(nftObjects(listing), ['ip nat', 'ip nat OUTPUT', 'inet own'])
})

t.test('of what iptables made only what is empty and was not there before goes', async t => {
  const chain = (name: string) => `\tchain ${name} {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n`
  const exec = new FakeExec(({ args }) => {
    const words = args.join(' ')
    if (words === 'list chains')
      return {
        stdout: `table ip filter {\n${chain('INPUT')}${chain('FORWARD')}}\ntable ip nat {\n${chain('OUTPUT')}}\n`,
      }
    if (words === '-s list chain ip filter INPUT') return { stdout: `table ip filter {\n${chain('INPUT')}}\n` }
    if (words === '-s list table ip nat') return { stdout: `table ip nat {\n${chain('OUTPUT')}}\n` }
    return {}
  })
  await undoChanges([{ kind: 'nft-tables', before: 'ip filter\nip filter FORWARD' }], exec)
  t.strictSame(
    exec.calls.filter(({ args }) => args[0] === 'delete').map(({ args }) => args.join(' ')),
    ['delete chain ip filter INPUT', 'delete table ip nat'],
  )
})
